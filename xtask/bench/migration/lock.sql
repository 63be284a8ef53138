-- The session that keeps the whole history has to hold the migrator's lock.
SELECT pg_catalog.pg_advisory_lock(1);
