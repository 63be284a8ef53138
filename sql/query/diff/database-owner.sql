-- The owner of the current database.
SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS owner
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
