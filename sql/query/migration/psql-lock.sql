-- Takes the migrator's lock for psql's session, if it is free; says t or f. A template.
SELECT pg_catalog.pg_try_advisory_lock(@lock@) AS taken \gset migrator_
\echo :migrator_taken
