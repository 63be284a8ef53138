-- Types: base types, domains, enums, ranges and multiranges. The attributes of a composite type are
-- columns.
SELECT t.tableoid AS class, t.oid AS id, 0 AS sub,
  CASE t.typtype WHEN 'b' THEN 'base' WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum'
                         WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange'
                         ELSE CASE WHEN t.typisdefined THEN t.typtype::text ELSE 'shell' END END AS "form",
  CASE WHEN t.typtype = 'e' THEN
    (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
     FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END AS "labels",
  CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS "type",
  CASE WHEN t.typnotnull THEN 'yes' END AS "not null",
  -- since PostgreSQL 17
  pg_catalog.quote_ident(k.conname) AS "not null constraint",
  t.typdefault AS "default",
  CASE WHEN t.typtype = 'd' AND t.typcollation NOT IN (0,
      (SELECT b.typcollation FROM pg_catalog.pg_type b WHERE b.oid = t.typbasetype))
    OR t.typtype = 'b' AND t.typcollation <> 0 THEN t.typcollation::pg_catalog.regcollation::text END AS "collation",
  pg_catalog.format_type(r.rngsubtype, NULL) AS "subtype",
  nullif(r.rngcollation, 0)::pg_catalog.regcollation::text AS "subtype collation",
  (SELECT i.identity FROM pg_catalog.pg_identify_object(
    'pg_catalog.pg_opclass'::pg_catalog.regclass, r.rngsubopc, 0) i) AS "subtype operator class",
  nullif(r.rngcanonical::oid, 0)::pg_catalog.regprocedure::text AS "canonical",
  nullif(r.rngsubdiff::oid, 0)::pg_catalog.regprocedure::text AS "difference",
  pg_catalog.format_type(r.rngmultitypid, NULL) AS "multirange",
  CASE WHEN t.typtype = 'b' THEN pg_catalog.format('length %s, %s, align %s, storage %s', t.typlen,
    CASE WHEN t.typbyval THEN 'by value' ELSE 'by reference' END, t.typalign, t.typstorage) END AS "layout",
  CASE WHEN t.typtype = 'b' THEN t.typcategory::text || CASE WHEN t.typispreferred THEN ' preferred' ELSE '' END END AS "category",
  nullif(t.typdelim::text, ',') AS "delimiter",
  CASE WHEN t.typtype = 'b' AND t.typelem <> 0 THEN pg_catalog.format_type(t.typelem, NULL) END AS "element",
  CASE WHEN t.typtype = 'b' THEN pg_catalog.concat_ws(', ', t.typinput, t.typoutput, t.typreceive,
    t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript) END AS "functions"
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
LEFT JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid AND k.contype = 'n'
-- Array types are made with their element type; a domain over an array type has the same category.
WHERE t.oid >= 16384 AND e.typarray IS DISTINCT FROM t.oid
