-- Every table that a pull can name: plain and partitioned tables of users. For a partition, also
-- the partitioned tables above it, up to the root.
WITH RECURSIVE immutable(oid) AS (
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'hectic' AND c.relname = 'immutable'
  UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN immutable ON immutable.oid = i.inhparent
)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS qualified,
       CASE WHEN n.nspname = ANY (path.schemas) THEN n.nspname = (
         SELECT s.nspname FROM pg_catalog.pg_class v JOIN pg_catalog.pg_namespace s ON s.oid = v.relnamespace
         WHERE v.relname = c.relname AND s.nspname = ANY (path.schemas)
         ORDER BY pg_catalog.array_position(path.schemas, s.nspname) LIMIT 1) ELSE false END AS visible,
       c.relkind = 'p' AS partitioned,
       n.nspname = 'hectic' OR EXISTS (
         SELECT FROM pg_catalog.pg_depend d
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e') AS is_bundle_or_extension,
       c.oid IN (SELECT i.oid FROM immutable i) AS immutable,
       -- reltuples is -1 for a table that was never analyzed; pg_partition_tree takes locks, so it
       -- could block others and be blocked by them
       CASE WHEN c.relkind = 'p' THEN (
         SELECT pg_catalog.sum(l.reltuples) FILTER (WHERE l.reltuples >= 0)
         FROM pg_catalog.pg_partition_tree(c.oid) AS p JOIN pg_catalog.pg_class l ON l.oid = p.relid
         WHERE p.isleaf)
       ELSE NULLIF(c.reltuples, -1) END::bigint AS estimate,
       ARRAY(SELECT a.relid::oid FROM pg_catalog.pg_partition_ancestors(c.oid) AS a(relid)
             WHERE c.relispartition AND a.relid <> c.oid) AS parents
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (SELECT pg_catalog.current_setting('pull.schemas')::pg_catalog.name[] AS schemas) AS path
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 2, 3
