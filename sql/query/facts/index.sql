-- Indexes, including those of constraints. Default values are NULL.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub,
  pg_catalog.pg_get_indexdef(i.indexrelid) AS "definition",
  CASE WHEN NOT i.indisvalid THEN 'no' END AS "valid",
  CASE WHEN NOT i.indisready THEN 'no' END AS "ready",
  CASE WHEN i.indisclustered THEN 'yes' END AS "clustered",
  CASE WHEN i.indisreplident THEN 'yes' END AS "replica identity",
  CASE WHEN c.relispartition THEN (
    SELECT h.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid) END AS "part of",
  s.spcname::text AS "tablespace",
  -- Only expressions have a statistics target in an index.
  CASE WHEN i.indexprs IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(pg_catalog.format('%s: %s', a.attnum, a.attstattarget), ', ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) END AS "statistics"
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
WHERE i.indexrelid >= 16384
  AND c.relnamespace <> (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pg_toast')
