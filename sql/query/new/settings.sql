-- Settings that are stored with this database, for everybody or for a role. `do` and `undo` are
-- formats with `%I` for the name of the database. Values of lists are stored as they are written.
SELECT o.name AS name,
       o.name LIKE '%.%' AS is_custom,
       o.prefix || '%I SET ' || pg_catalog.replace(pg_catalog.quote_ident(o.name) || ' TO ' || o.value, '%', '%%') AS do,
       o.prefix || '%I RESET ' || pg_catalog.replace(pg_catalog.quote_ident(o.name), '%', '%%') AS undo
FROM (SELECT pg_catalog.split_part(c.setting, '=', 1) AS name,
             CASE WHEN pg_catalog.split_part(c.setting, '=', 1) IN
                    ('search_path', 'local_preload_libraries', 'session_preload_libraries', 'temp_tablespaces')
                  THEN COALESCE(NULLIF(pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1), ''), '''''')
                  ELSE pg_catalog.quote_literal(pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)) END AS value,
             CASE WHEN s.setrole = 0 THEN 'ALTER DATABASE '
                  ELSE pg_catalog.replace(pg_catalog.format('ALTER ROLE %I IN DATABASE ', r.rolname), '%', '%%') END AS prefix
      FROM pg_catalog.pg_db_role_setting s
        JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        CROSS JOIN pg_catalog.unnest(s.setconfig) AS c (setting)
      WHERE d.datname = pg_catalog.current_database()) o
ORDER BY o.prefix, o.name
