-- The roles that the current database needs and that a cluster with the roles $1 lacks, with the
-- roles of which they are members. Each has a statement that makes it, with its attributes but
-- without a password, and statements that make it a member.
WITH RECURSIVE needed(id) AS (
  SELECT p.refobjid
  FROM pg_catalog.pg_shdepend p
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  WHERE p.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND p.refobjid <> d.datdba
    AND (p.dbid = d.oid OR p.classid = d.tableoid AND p.objid = d.oid)
  UNION
  SELECT m.roleid
  FROM needed n
  JOIN pg_catalog.pg_auth_members m ON m.member = n.id
)
SELECT r.rolname::text AS name,
       pg_catalog.concat_ws(' ', 'CREATE ROLE', pg_catalog.quote_ident(r.rolname),
         CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
         CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END,
         CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
         CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
         CASE WHEN r.rolconnlimit <> -1 THEN 'CONNECTION LIMIT ' || r.rolconnlimit END) AS statement,
       ARRAY(SELECT pg_catalog.format('GRANT %I TO %I%s;', p.rolname, r.rolname,
                      CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END)
             FROM pg_catalog.pg_auth_members m
             JOIN pg_catalog.pg_roles p ON p.oid = m.roleid
             WHERE m.member = r.oid
             ORDER BY p.rolname) AS memberships
FROM needed n
JOIN pg_catalog.pg_roles r ON r.oid = n.id
WHERE r.rolname <> ALL ($1::text[])
ORDER BY r.rolname
