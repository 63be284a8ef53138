-- Collations, conversions and text search objects. Since PostgreSQL 17, the column with a
-- collation's locale has another name. The version of the collation's library belongs to the
-- machine and is not read.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'provider', CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'
                                  ELSE c.collprovider::text END,
  'collate', c.collcollate::text,
  'ctype', c.collctype::text,
  'locale', coalesce(j ->> 'colllocale', j ->> 'colliculocale'),
  'rules', j ->> 'collicurules',
  'deterministic', CASE WHEN NOT c.collisdeterministic THEN 'no' END
)::text AS properties
FROM pg_catalog.pg_collation c
CROSS JOIN LATERAL pg_catalog.to_jsonb(c) AS j
WHERE c.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 0, pg_catalog.json_build_object(
  'from', pg_catalog.pg_encoding_to_char(c.conforencoding)::text,
  'to', pg_catalog.pg_encoding_to_char(c.contoencoding)::text,
  'function', c.conproc::oid::pg_catalog.regprocedure::text,
  'default', CASE WHEN c.condefault THEN 'yes' END
)::text
FROM pg_catalog.pg_conversion c
WHERE c.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 0, pg_catalog.json_build_object(
  'parser', (pg_catalog.pg_identify_object('pg_catalog.pg_ts_parser'::pg_catalog.regclass, c.cfgparser, 0)).identity
)::text
FROM pg_catalog.pg_ts_config c
WHERE c.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 0, pg_catalog.json_build_object(
  'mapping of ' || t.alias, pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::text, ', ' ORDER BY m.mapseqno)
)::text
FROM pg_catalog.pg_ts_config c
JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg = c.oid
JOIN LATERAL pg_catalog.ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype
WHERE c.oid >= 16384
GROUP BY c.tableoid, c.oid, t.alias
UNION ALL
SELECT d.tableoid, d.oid, 0, pg_catalog.json_build_object(
  'template', (pg_catalog.pg_identify_object('pg_catalog.pg_ts_template'::pg_catalog.regclass, d.dicttemplate, 0)).identity,
  'options', d.dictinitoption
)::text
FROM pg_catalog.pg_ts_dict d
WHERE d.oid >= 16384
UNION ALL
SELECT r.tableoid, r.oid, 0, pg_catalog.json_build_object(
  'functions', pg_catalog.concat_ws(', ', r.prsstart, r.prstoken, r.prsend, r.prsheadline, r.prslextype)
)::text
FROM pg_catalog.pg_ts_parser r
WHERE r.oid >= 16384
UNION ALL
SELECT t.tableoid, t.oid, 0, pg_catalog.json_build_object(
  'functions', pg_catalog.concat_ws(', ', t.tmplinit, t.tmpllexize)
)::text
FROM pg_catalog.pg_ts_template t
WHERE t.oid >= 16384
