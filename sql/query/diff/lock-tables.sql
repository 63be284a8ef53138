-- Builds the statement that locks every table that the role may read, as pg_dump does. Functions
-- such as pg_get_viewdef read the catalogs in their current state and not in that of a snapshot.
-- The locks must come before the snapshot, so this query runs before the transaction that takes it.
SELECT 'LOCK TABLE ' || pg_catalog.string_agg(pg_catalog.format('ONLY %I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid)
         || ' IN ACCESS SHARE MODE' AS lock
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
