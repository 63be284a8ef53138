-- The privileges on this database and its comment, as formats with `%I` for its name: statements
-- that make them, and statements that bring back the defaults.
WITH db AS (SELECT d.* FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()),
granted AS (
  SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee,
         a.grantee = db.datdba AS is_owner, a.is_grantable,
         pg_catalog.string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
  FROM db CROSS JOIN pg_catalog.aclexplode(db.datacl) a
  GROUP BY 1, 2, 3),
statement AS (
  SELECT 1 AS place, 'REVOKE ALL ON DATABASE %I FROM PUBLIC' AS do, 'GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC' AS undo
  FROM db WHERE db.datacl IS NOT NULL
  UNION ALL
  SELECT 2, 'GRANT ' || g.privileges || ' ON DATABASE %I TO ' || pg_catalog.replace(g.grantee, '%', '%%')
            || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
         'REVOKE ALL ON DATABASE %I FROM ' || pg_catalog.replace(g.grantee, '%', '%%')
  FROM granted g WHERE NOT g.is_owner
  UNION ALL
  SELECT 3, 'COMMENT ON DATABASE %I IS ' || pg_catalog.replace(pg_catalog.quote_literal(d.description), '%', '%%'),
         'COMMENT ON DATABASE %I IS NULL'
  FROM db JOIN pg_catalog.pg_shdescription d ON d.objoid = db.oid
  WHERE d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass)
SELECT s.do, s.undo FROM statement s ORDER BY s.place, s.do
