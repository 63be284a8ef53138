-- Changes to members of extensions. A dump contains nothing of these changes except privileges.
-- They are: owners, options of wrappers and servers, definitions of functions, and triggers and
-- policies of tables. They are properties of the extension, so they appear and disappear with it.
-- If nobody changed a member, both sides have the same value.
WITH member AS MATERIALIZED (
  SELECT d.refobjid AS extension, d.classid AS class, d.objid AS id
  FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
)
-- Owners of members that do not own the extension. In a trusted extension, members belong to the
-- role that initdb made, which this query leaves out.
SELECT e.tableoid AS class, e.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'owner of ' || i.type || ' ' || i.identity, pg_catalog.pg_get_userbyid(s.refobjid)
)::text AS properties
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_database b ON b.datname = pg_catalog.current_database()
JOIN pg_catalog.pg_shdepend s
  ON s.dbid = b.oid AND s.classid = m.class AND s.objid = m.id AND s.deptype = 'o' AND s.refobjid <> e.extowner
CROSS JOIN LATERAL pg_catalog.pg_identify_object(m.class, m.id, 0) i
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'handler of wrapper ' || pg_catalog.quote_ident(f.fdwname), nullif(f.fdwhandler, 0)::pg_catalog.regprocedure::text,
  'validator of wrapper ' || pg_catalog.quote_ident(f.fdwname), nullif(f.fdwvalidator, 0)::pg_catalog.regprocedure::text,
  'options of wrapper ' || pg_catalog.quote_ident(f.fdwname), (
    SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C") FROM pg_catalog.unnest(f.fdwoptions) o)
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_foreign_data_wrapper f ON f.tableoid = m.class AND f.oid = m.id
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'version of server ' || pg_catalog.quote_ident(s.srvname), s.srvversion,
  'options of server ' || pg_catalog.quote_ident(s.srvname), (
    SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C") FROM pg_catalog.unnest(s.srvoptions) o)
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_foreign_server s ON s.tableoid = m.class AND s.oid = m.id
UNION ALL
-- Some extensions have thousands of functions, so only settings are listed one by one.
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'settings of function ' || f.oid::pg_catalog.regprocedure, pg_catalog.array_to_string(f.proconfig, ', ')
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_proc f ON f.tableoid = m.class AND f.oid = m.id AND f.proconfig IS NOT NULL
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'functions', 'md5 ' || pg_catalog.md5(pg_catalog.string_agg(t.text, ';' ORDER BY t.text COLLATE pg_catalog."C"))
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_proc f ON f.tableoid = m.class AND f.oid = m.id
CROSS JOIN LATERAL pg_catalog.concat_ws(' ', f.proname, f.pronargs, f.provolatile, f.proisstrict,
  f.prosecdef, f.proleakproof, pg_catalog.md5(f.prosrc)) AS t(text)
GROUP BY e.tableoid, e.oid
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'row security of ' || c.oid::pg_catalog.regclass, CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END,
  'storage options of ' || c.oid::pg_catalog.regclass, pg_catalog.array_to_string(c.reloptions, ', ')
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid
JOIN pg_catalog.pg_class c ON c.tableoid = m.class AND c.oid = m.id AND (c.relrowsecurity OR c.reloptions IS NOT NULL)
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'trigger ' || pg_catalog.quote_ident(t.tgname) || ' on ' || t.tgrelid::pg_catalog.regclass, pg_catalog.concat_ws(', ',
    pg_catalog.pg_get_triggerdef(t.oid), CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END)
)::text
FROM pg_catalog.pg_extension e
JOIN member m ON m.extension = e.oid AND m.class = 'pg_catalog.pg_class'::pg_catalog.regclass
JOIN pg_catalog.pg_trigger t ON t.tgrelid = m.id AND NOT t.tgisinternal
