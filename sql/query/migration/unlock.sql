-- Releases the migrator's lock, whose key is $1.
SELECT pg_catalog.pg_advisory_unlock($1::bigint)
