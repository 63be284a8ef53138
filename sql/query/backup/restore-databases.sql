-- The databases that accept connections: whether a DROP DATABASE was interrupted, and whether the
-- version of the C library or of ICU differs from the recorded one.
SELECT d.datname::text AS name,
       d.datistemplate AS template,
       d.datconnlimit = -2 AS invalid,
       d.datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(d.oid) AS stale,
       d.datcollversion AS was,
       pg_catalog.pg_database_collation_actual_version(d.oid) AS is
FROM pg_catalog.pg_database d
WHERE d.datallowconn OR d.datname = $1
ORDER BY d.datname
