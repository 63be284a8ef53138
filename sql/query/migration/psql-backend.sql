-- Prints the process id of the server process of psql's session.
SELECT pg_catalog.pg_backend_pid() AS pid \gset migrator_
\echo :migrator_pid
