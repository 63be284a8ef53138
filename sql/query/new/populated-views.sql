-- The materialized views that have rows, in the order in which they were made.
SELECT pg_catalog.format('REFRESH MATERIALIZED VIEW %I.%I;', n.nspname, c.relname) AS refresh
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname <> 'hectic'
ORDER BY c.oid
