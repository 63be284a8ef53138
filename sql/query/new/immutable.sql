-- The tables that inherit hectic.immutable, as patterns of pg_dump. Their rows are a part of the
-- schema.
WITH RECURSIVE heir AS (
  SELECT i.inhrelid AS relation
  FROM pg_catalog.pg_inherits i
  WHERE i.inhparent = pg_catalog.to_regclass('hectic.immutable')
  UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN heir h ON h.relation = i.inhparent)
SELECT '"' || pg_catalog.replace(n.nspname, '"', '""') || '"."' || pg_catalog.replace(c.relname, '"', '""') || '"' AS pattern
FROM heir h JOIN pg_catalog.pg_class c ON c.oid = h.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'hectic'
ORDER BY 1
