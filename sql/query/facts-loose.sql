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
SELECT 'large objects', 'all', pg_catalog.json_build_object('number', count(*)::text)::text
FROM pg_catalog.pg_largeobject_metadata
HAVING count(*) > 0
