-- How the schema public gets its usual owner, privileges and comment again.
SELECT pg_catalog.format('REVOKE ALL ON SCHEMA public FROM %s;', pg_catalog.string_agg(DISTINCT g.name, ', ')) AS revoke
FROM pg_catalog.pg_namespace n
  CROSS JOIN LATERAL (
    SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS name
    FROM pg_catalog.aclexplode(n.nspacl) a) g
WHERE n.nspname = 'public'
