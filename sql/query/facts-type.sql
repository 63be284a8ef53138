-- Types: base types, domains, enums, ranges and their multiranges. A composite type has columns.
SELECT t.tableoid AS class, t.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'form', CASE t.typtype WHEN 'b' THEN 'base' WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum'
                         WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange'
                         ELSE CASE WHEN t.typisdefined THEN t.typtype::text ELSE 'shell' END END,
  'labels', CASE WHEN t.typtype = 'e' THEN
    (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
     FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END,
  'type', CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
  'not null', CASE WHEN t.typnotnull THEN 'yes' END,
  'default', t.typdefault,
  'collation', CASE WHEN t.typtype = 'd' AND t.typcollation NOT IN (0,
      (SELECT b.typcollation FROM pg_catalog.pg_type b WHERE b.oid = t.typbasetype))
    OR t.typtype = 'b' AND t.typcollation <> 0 THEN t.typcollation::pg_catalog.regcollation::text END,
  'subtype', pg_catalog.format_type(r.rngsubtype, NULL),
  'subtype collation', nullif(r.rngcollation, 0)::pg_catalog.regcollation::text,
  'subtype operator class', (SELECT i.identity FROM pg_catalog.pg_identify_object(
    'pg_catalog.pg_opclass'::pg_catalog.regclass, r.rngsubopc, 0) i),
  'canonical', nullif(r.rngcanonical::oid, 0)::pg_catalog.regprocedure::text,
  'difference', nullif(r.rngsubdiff::oid, 0)::pg_catalog.regprocedure::text,
  'multirange', pg_catalog.format_type(r.rngmultitypid, NULL),
  'layout', CASE WHEN t.typtype = 'b' THEN pg_catalog.format('length %s, %s, align %s, storage %s', t.typlen,
    CASE WHEN t.typbyval THEN 'by value' ELSE 'by reference' END, t.typalign, t.typstorage) END,
  'category', CASE WHEN t.typtype = 'b' THEN t.typcategory::text || CASE WHEN t.typispreferred THEN ' preferred' ELSE '' END END,
  'delimiter', nullif(t.typdelim::text, ','),
  'element', CASE WHEN t.typtype = 'b' AND t.typelem <> 0 THEN pg_catalog.format_type(t.typelem, NULL) END,
  'functions', CASE WHEN t.typtype = 'b' THEN pg_catalog.concat_ws(', ', t.typinput, t.typoutput, t.typreceive,
    t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript) END
)::text AS properties
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
WHERE t.oid >= 16384 AND t.typcategory <> 'A'
