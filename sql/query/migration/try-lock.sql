-- Tries to take the migrator's lock, whose key is $1, for this session.
SELECT pg_catalog.pg_try_advisory_lock($1::bigint) AS taken
