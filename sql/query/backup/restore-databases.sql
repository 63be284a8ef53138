-- The databases that can be connected to, whether a DROP DATABASE of each was interrupted, and whether the
-- C library or ICU sorts them otherwise than when their indexes were built.
SELECT d.datname::text AS name,
       d.datistemplate AS template,
       d.datconnlimit = -2 AS invalid,
       d.datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(d.oid) AS stale,
       d.datcollversion AS was,
       pg_catalog.pg_database_collation_actual_version(d.oid) AS is
FROM pg_catalog.pg_database d
WHERE d.datallowconn OR d.datname = $1
ORDER BY d.datname
