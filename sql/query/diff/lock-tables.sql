-- The statement that keeps every table that may be read as it is, as pg_dump does: functions such as
-- pg_get_viewdef read the catalogs as they are now and not as of a snapshot. It has to come before
-- the snapshot, so it is made before the transaction in which it runs.
SELECT 'LOCK TABLE ' || pg_catalog.string_agg(pg_catalog.format('ONLY %I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid)
         || ' IN ACCESS SHARE MODE' AS lock
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
