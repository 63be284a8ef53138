-- Sequences, without the values they have reached.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'type', pg_catalog.format_type(s.seqtypid, NULL),
  'start', s.seqstart::text,
  'increment', s.seqincrement::text,
  'minimum', s.seqmin::text,
  'maximum', s.seqmax::text,
  'cache', nullif(s.seqcache, 1)::text,
  'cycle', CASE WHEN s.seqcycle THEN 'yes' END,
  'owned by', d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname),
  'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END
)::text AS properties
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
LEFT JOIN pg_catalog.pg_depend d
  ON d.classid = c.tableoid AND d.objid = c.oid AND d.refclassid = c.tableoid AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
