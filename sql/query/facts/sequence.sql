-- Sequences, without their current values.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub,
  pg_catalog.format_type(s.seqtypid, NULL) AS "type",
  s.seqstart::text AS "start",
  s.seqincrement::text AS "increment",
  s.seqmin::text AS "minimum",
  s.seqmax::text AS "maximum",
  nullif(s.seqcache, 1)::text AS "cache",
  CASE WHEN s.seqcycle THEN 'yes' END AS "cycle",
  d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) AS "owned by",
  CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS "persistence"
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
LEFT JOIN pg_catalog.pg_depend d
  ON d.classid = c.tableoid AND d.objid = c.oid AND d.refclassid = c.tableoid AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
