-- The invalid indexes that the failed attempt at version $2 of set $1 left behind, unless somebody
-- has dropped or rebuilt them since.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
FROM hectic.migration_state m
CROSS JOIN LATERAL pg_catalog.unnest(m.invalid_left) AS gone(index)
JOIN pg_catalog.pg_index i ON i.indexrelid = gone.index AND NOT i.indisvalid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE m.migration_set = $1::text AND m.version = $2::bigint
ORDER BY 1
