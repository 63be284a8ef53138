-- The databases that may hold secrets, templates among them, and whether one can look into each.
SELECT d.datname::text AS name, d.datallowconn AS is_open
FROM pg_catalog.pg_database d
WHERE d.datname <> 'template0'
ORDER BY d.datname
