-- The databases that may hold secrets, including templates, and whether each accepts connections.
SELECT d.datname::text AS name, d.datallowconn AS is_open
FROM pg_catalog.pg_database d
WHERE d.datname <> 'template0'
ORDER BY d.datname
