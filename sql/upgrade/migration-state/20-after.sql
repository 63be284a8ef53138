-- Whoever may read the table of states may read the view that has its name now.

DO $grants$
DECLARE
  reader text;
BEGIN
  FOR reader IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
    FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    WHERE c.oid = 'hectic.migration_state'::pg_catalog.regclass AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('GRANT SELECT ON hectic.migration TO %s', reader);
  END LOOP;
END
$grants$;
