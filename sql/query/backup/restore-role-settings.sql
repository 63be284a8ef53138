-- The settings of roles and databases: the owner of each, the beginning of the statement that
-- changes it, and whether it affects sessions of one of the roles $1.
SELECT CASE WHEN s.setrole <> 0
            THEN pg_catalog.concat_ws(' in the database ', 'the role ' || r.rolname, d.datname)
            WHEN s.setdatabase <> 0 THEN 'the database ' || d.datname
            ELSE 'all roles' END AS owner,
       CASE WHEN s.setrole = 0 AND s.setdatabase <> 0
            THEN pg_catalog.format('ALTER DATABASE %I', d.datname)
            ELSE pg_catalog.concat_ws(' IN DATABASE ',
                   'ALTER ROLE ' || CASE WHEN s.setrole = 0 THEN 'ALL' ELSE pg_catalog.quote_ident(r.rolname) END,
                   pg_catalog.quote_ident(d.datname)) END AS alter,
       pg_catalog.split_part(c.setting, '=', 1) AS name,
       pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) AS value,
       s.setrole = 0 OR r.rolname::text = ANY ($1) AS reaches
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(setting)
WHERE (s.setdatabase = 0 OR d.oid IS NOT NULL) AND (s.setrole = 0 OR r.oid IS NOT NULL)
ORDER BY 1, 3
