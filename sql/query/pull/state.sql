-- A template: the privileges of the current role on the tables $1, and their sizes. "sequences" and
-- "denied" list the sequences and columns that the role may not read. The number of rows is the
-- planner's estimate, if there is one.
SELECT c.oid,
       pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
         AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS readable,
       pg_catalog.row_security_active(c.oid) AS policed,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
               AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY a.attnum) AS denied,
       ARRAY(SELECT s.sequence FROM (@sequences@) AS s WHERE s.oid = c.oid AND NOT s.readable) AS sequences,
       size.rows, size.bytes
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL (
  SELECT CASE WHEN pg_catalog.bool_and(l.reltuples >= 0) THEN pg_catalog.sum(l.reltuples)::bigint END AS rows,
         COALESCE(pg_catalog.sum(pg_catalog.pg_table_size(l.oid)), 0)::bigint AS bytes
  FROM pg_catalog.pg_class l
  WHERE l.relkind = 'r' AND l.oid = ANY (ARRAY(SELECT p.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) p) || c.oid)
) AS size
WHERE c.oid = ANY ($1::oid[])
