-- What any object may have: comments, security labels, and the extensions without which it would not be.
SELECT d.classoid AS class, d.objoid AS id, d.objsubid AS sub, 'comment' AS property, d.description AS value
FROM pg_catalog.pg_description d
-- The schema public has a lower OID and is anybody's to describe.
WHERE d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
UNION ALL
SELECT d.classoid, d.objoid, 0, 'comment', d.description
FROM pg_catalog.pg_shdescription d
UNION ALL
SELECT l.classoid, l.objoid, l.objsubid, 'security label of ' || l.provider, l.label
FROM pg_catalog.pg_seclabel l
UNION ALL
SELECT l.classoid, l.objoid, 0, 'security label of ' || l.provider, l.label
FROM pg_catalog.pg_shseclabel l
UNION ALL
SELECT d.classid, d.objid, d.objsubid, 'depends on extension ' || pg_catalog.quote_ident(e.extname), 'yes'
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND d.refclassid = e.tableoid
WHERE d.deptype = 'x'
