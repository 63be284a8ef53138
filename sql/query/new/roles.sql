-- The roles that the objects of this database name as owners or in privileges and policies. The
-- server does not record its first superuser as such, so that one comes always.
SELECT r.rolname::text AS name, pg_catalog.quote_ident(r.rolname) AS quoted, r.oid = 10 AS is_first
FROM pg_catalog.pg_roles r
WHERE r.rolname !~ '^pg_'
  AND (r.oid = 10
       OR EXISTS (SELECT
                  FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
                  WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
                    AND (s.dbid = d.oid OR s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND s.objid = d.oid))
       OR EXISTS (SELECT
                  FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
                  WHERE s.setrole = r.oid AND d.datname = pg_catalog.current_database()))
ORDER BY 1
