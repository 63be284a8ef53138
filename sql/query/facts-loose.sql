-- Facts that are no objects with an address: settings of the database and of roles in it, and
-- the number of large objects, which have no names.
SELECT CASE s.setrole WHEN 0 THEN 'database setting' ELSE 'role setting' END AS kind,
       CASE s.setrole WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole) || '.' END
         || pg_catalog.split_part(c, '=', 1) AS name,
       pg_catalog.json_build_object('value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1))::text AS properties
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE d.datname = pg_catalog.current_database()
UNION ALL
-- Of roles in every database, for those that this one has to do with, but for its owner, who is
-- another one on the other side.
SELECT 'role setting', pg_catalog.pg_get_userbyid(s.setrole) || '.' || pg_catalog.split_part(c, '=', 1) || ' in every database',
       pg_catalog.json_build_object('value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1))::text
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase = 0 AND s.setrole <> 0
  AND EXISTS (SELECT FROM pg_catalog.pg_shdepend p JOIN pg_catalog.pg_database d ON d.oid = p.dbid
              WHERE p.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND p.refobjid = s.setrole
                AND d.datname = pg_catalog.current_database() AND d.datdba <> s.setrole)
UNION ALL
-- Privileges on what is not compared by itself: PostgreSQL's own objects and members of extensions, where
-- they are not as they came, and objects of the bundle, where others than their owner have any.
SELECT 'privileges', 'on ' || i.type || ' ' || i.identity, pg_catalog.json_build_object('acl', coalesce((
         SELECT pg_catalog.string_agg(a::text, ', ' ORDER BY a::text COLLATE pg_catalog."C") FROM pg_catalog.unnest(o.acl) a), 'nobody'))::text
FROM (
  SELECT c.tableoid AS class, c.oid AS id, c.relnamespace AS schema, c.relacl AS acl,
         pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS usual
  FROM pg_catalog.pg_class c WHERE c.relacl IS NOT NULL AND c.relkind NOT IN ('i', 'I', 'c', 't')
  UNION ALL
  SELECT p.tableoid, p.oid, p.pronamespace, p.proacl, pg_catalog.acldefault('f', p.proowner)
  FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL
  UNION ALL
  SELECT n.tableoid, n.oid, n.oid, n.nspacl, pg_catalog.acldefault('n', n.nspowner)
  FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL AND n.nspname = 'hectic'
) o
JOIN pg_catalog.pg_namespace n ON n.oid = o.schema
LEFT JOIN pg_catalog.pg_init_privs w ON w.classoid = o.class AND w.objoid = o.id AND w.objsubid = 0
LEFT JOIN pg_catalog.pg_depend d ON d.classid = o.class AND d.objid = o.id AND d.objsubid = 0 AND d.deptype = 'e'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.id, 0) i
WHERE CASE WHEN n.nspname = 'hectic'
             THEN EXISTS (SELECT FROM pg_catalog.aclexplode(o.acl) x
                          WHERE x.grantee <> (SELECT u.grantor FROM pg_catalog.aclexplode(o.usual) u LIMIT 1))
           ELSE (o.id < 16384 OR d.objid IS NOT NULL)
             AND ARRAY(SELECT a::text COLLATE pg_catalog."C" FROM pg_catalog.unnest(o.acl) a ORDER BY 1)
                 <> ARRAY(SELECT a::text COLLATE pg_catalog."C" FROM pg_catalog.unnest(coalesce(w.initprivs, o.usual)) a ORDER BY 1)
      END
UNION ALL
SELECT 'large objects', 'all', pg_catalog.json_build_object('number', count(*)::text)::text
FROM pg_catalog.pg_largeobject_metadata
HAVING count(*) > 0
