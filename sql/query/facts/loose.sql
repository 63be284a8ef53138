-- Facts without an address: settings of the database and of roles in it, and the number of large
-- objects, which have no names.
SELECT CASE s.setrole WHEN 0 THEN 'database setting' ELSE 'role setting' END AS kind,
       CASE s.setrole WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole) || '.' END
         || pg_catalog.split_part(c, '=', 1) AS name,
       pg_catalog.json_build_object('value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1))::text AS properties
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE d.datname = pg_catalog.current_database()
UNION ALL
-- Settings that a role has in every database, for the roles that matter to this database. The
-- database's owner is left out, because the other side may have another owner.
SELECT 'role setting', pg_catalog.pg_get_userbyid(s.setrole) || '.' || pg_catalog.split_part(c, '=', 1) || ' in every database',
       pg_catalog.json_build_object('value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1))::text
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase = 0 AND s.setrole <> 0
  AND EXISTS (SELECT FROM pg_catalog.pg_shdepend p JOIN pg_catalog.pg_database d ON d.oid = p.dbid
              WHERE p.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND p.refobjid = s.setrole
                AND d.datname = pg_catalog.current_database() AND d.datdba <> s.setrole)
UNION ALL
-- Privileges on objects that no other query lists: PostgreSQL's own objects and members of
-- extensions if somebody changed their initial privileges, and objects of the bundle if their
-- privileges are not the default ones. (owner) stands for the owner, whose name may differ elsewhere.
SELECT 'privileges', 'on ' || i.type || ' ' || i.identity, pg_catalog.json_build_object(
         'acl', coalesce((
           SELECT pg_catalog.string_agg(pg_catalog.regexp_replace(pg_catalog.regexp_replace(a::text,
                    '^' || w.owner || '=', '(owner)='), '/' || w.owner || '$', '/(owner)'),
                    ', ' ORDER BY a::text COLLATE pg_catalog."C") FROM pg_catalog.unnest(o.acl) a), 'nobody'),
         -- Drafts begin with these privileges; diff does not compare them.
         'initial', coalesce((
           SELECT pg_catalog.string_agg(pg_catalog.regexp_replace(pg_catalog.regexp_replace(a::text,
                    '^' || w.owner || '=', '(owner)='), '/' || w.owner || '$', '/(owner)'),
                    ', ' ORDER BY a::text COLLATE pg_catalog."C")
           FROM pg_catalog.unnest(coalesce(p.initprivs, o.usual)) a), 'nobody'),
         'member of', (SELECT pg_catalog.quote_ident(e.extname) FROM pg_catalog.pg_extension e WHERE e.oid = d.refobjid))::text
FROM (
  SELECT c.tableoid AS class, c.oid AS id, 0 AS sub, c.relnamespace AS schema, c.oid < 16384 AS is_server, c.relowner AS owner,
         c.relacl AS acl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS usual
  FROM pg_catalog.pg_class c WHERE c.relacl IS NOT NULL AND c.relkind NOT IN ('i', 'I', 'c', 't')
  UNION ALL
  SELECT c.tableoid, c.oid, a.attnum, c.relnamespace, c.oid < 16384, c.relowner, a.attacl, pg_catalog.acldefault('c', c.relowner)
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
  UNION ALL
  SELECT p.tableoid, p.oid, 0, p.pronamespace, p.oid < 16384, p.proowner, p.proacl, pg_catalog.acldefault('f', p.proowner)
  FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL
  UNION ALL
  SELECT t.tableoid, t.oid, 0, t.typnamespace, t.oid < 16384, t.typowner, t.typacl, pg_catalog.acldefault('T', t.typowner)
  FROM pg_catalog.pg_type t WHERE t.typacl IS NOT NULL
  UNION ALL
  -- object.sql compares the schema public.
  SELECT n.tableoid, n.oid, 0, n.oid, n.oid < 16384 AND n.nspname <> 'public', n.nspowner, n.nspacl, pg_catalog.acldefault('n', n.nspowner)
  FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL
  UNION ALL
  -- object.sql compares objects that belong to no extension.
  SELECT l.tableoid, l.oid, 0, 0, false, l.lanowner, l.lanacl, pg_catalog.acldefault('l', l.lanowner)
  FROM pg_catalog.pg_language l WHERE l.lanacl IS NOT NULL
  UNION ALL
  SELECT f.tableoid, f.oid, 0, 0, false, f.fdwowner, f.fdwacl, pg_catalog.acldefault('F', f.fdwowner)
  FROM pg_catalog.pg_foreign_data_wrapper f WHERE f.fdwacl IS NOT NULL
  UNION ALL
  SELECT s.tableoid, s.oid, 0, 0, false, s.srvowner, s.srvacl, pg_catalog.acldefault('S', s.srvowner)
  FROM pg_catalog.pg_foreign_server s WHERE s.srvacl IS NOT NULL
) o
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.schema
LEFT JOIN pg_catalog.pg_init_privs p ON p.classoid = o.class AND p.objoid = o.id AND p.objsubid = o.sub
LEFT JOIN pg_catalog.pg_depend d ON d.classid = o.class AND d.objid = o.id AND d.objsubid = 0 AND d.deptype = 'e'
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.id, o.sub) i
-- The role's name as an aclitem prints it, with the special characters of regular expressions
-- escaped.
CROSS JOIN LATERAL (
  SELECT pg_catalog.regexp_replace(CASE WHEN r ~ '\W' THEN '"' || pg_catalog.replace(r, '"', '""') || '"' ELSE r END, '(\W)', '\\\1', 'g')
  FROM (SELECT pg_catalog.pg_get_userbyid(o.owner)::text) u(r)) w(owner)
WHERE (n.nspname = 'hectic' OR o.is_server OR d.objid IS NOT NULL)
  AND ARRAY(SELECT a::text COLLATE pg_catalog."C" FROM pg_catalog.unnest(o.acl) a ORDER BY 1)
      <> ARRAY(SELECT a::text COLLATE pg_catalog."C" FROM pg_catalog.unnest(coalesce(p.initprivs, o.usual)) a ORDER BY 1)
UNION ALL
SELECT 'large objects', 'all', pg_catalog.json_build_object('number', count(*)::text)::text
FROM pg_catalog.pg_largeobject_metadata
HAVING count(*) > 0
