-- The extensions of this database, each with whether it belongs to the owner of the database.
SELECT e.extname::text AS name, e.extowner = d.datdba AS is_owned
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
WHERE e.extname <> 'plpgsql'
ORDER BY 1
