-- The collations of this database with another version than the recorded one.
SELECT c.oid AS oid,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname) AS name,
       c.collversion AS was,
       pg_catalog.pg_collation_actual_version(c.oid) AS is
FROM pg_catalog.pg_collation c
JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE c.collversion IS NOT NULL
  AND c.collversion IS DISTINCT FROM pg_catalog.pg_collation_actual_version(c.oid)
ORDER BY 2
