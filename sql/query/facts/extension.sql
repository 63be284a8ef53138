-- Extensions, without their members, and languages.
SELECT e.tableoid AS class, e.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'version', e.extversion,
  'schema', pg_catalog.quote_ident((SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = e.extnamespace))
)::text AS properties
FROM pg_catalog.pg_extension e
UNION ALL
SELECT l.tableoid, l.oid, 0, pg_catalog.json_build_object(
  'trusted', CASE WHEN l.lanpltrusted THEN 'yes' END,
  'handler', nullif(l.lanplcallfoid, 0)::pg_catalog.regprocedure::text,
  'inline', nullif(l.laninline, 0)::pg_catalog.regprocedure::text,
  'validator', nullif(l.lanvalidator, 0)::pg_catalog.regprocedure::text
)::text
FROM pg_catalog.pg_language l
