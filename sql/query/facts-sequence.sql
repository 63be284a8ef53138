-- Sequences, without the values they have reached.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub, p.property, p.value
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
LEFT JOIN pg_catalog.pg_depend d
  ON d.classid = c.tableoid AND d.objid = c.oid AND d.refclassid = c.tableoid AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
CROSS JOIN LATERAL (VALUES
  ('definition', pg_catalog.format('%s start %s increment %s minimum %s maximum %s cache %s%s',
    pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    CASE WHEN s.seqcycle THEN ' cycle' END)),
  ('owned by', d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname)),
  ('persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END)
) AS p(property, value)
WHERE p.value IS NOT NULL
