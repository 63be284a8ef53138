-- A template: tries to take the migrator's lock for psql's session. Prints t or f.
SELECT pg_catalog.pg_try_advisory_lock(@lock@) AS taken \gset migrator_
\echo :migrator_taken
