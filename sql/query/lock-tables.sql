-- Keeps every table that may be read as it is until the transaction ends, as pg_dump does: functions
-- such as pg_get_viewdef read the catalogs as they are now and not as of the snapshot.
DO $lock$
DECLARE
  tables text;
BEGIN
  SELECT pg_catalog.string_agg('ONLY ' || c.oid::pg_catalog.regclass, ', ' ORDER BY c.oid) INTO tables
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\_%'
    AND n.nspname <> 'information_schema'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT');
  IF tables IS NOT NULL THEN
    EXECUTE 'LOCK TABLE ' || tables || ' IN ACCESS SHARE MODE';
  END IF;
END
$lock$;
