-- Properties that objects of any kind may have: comments, security labels, and the extensions on
-- which they depend.
SELECT d.classoid AS class, d.objoid AS id, d.objsubid AS sub,
       pg_catalog.json_build_object('comment', d.description)::text AS properties
FROM pg_catalog.pg_description d
-- The schema public has a lower OID than user objects, but users may comment on it.
WHERE d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
UNION ALL
SELECT d.classoid, d.objoid, 0, pg_catalog.json_build_object('comment', d.description)::text
FROM pg_catalog.pg_shdescription d
UNION ALL
SELECT l.classoid, l.objoid, l.objsubid, pg_catalog.json_build_object('security label of ' || l.provider, l.label)::text
FROM pg_catalog.pg_seclabel l
UNION ALL
SELECT l.classoid, l.objoid, 0, pg_catalog.json_build_object('security label of ' || l.provider, l.label)::text
FROM pg_catalog.pg_shseclabel l
UNION ALL
SELECT d.classid, d.objid, d.objsubid,
       pg_catalog.json_build_object('depends on extension ' || pg_catalog.quote_ident(e.extname), 'yes')::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND d.refclassid = e.tableoid
WHERE d.deptype = 'x'
