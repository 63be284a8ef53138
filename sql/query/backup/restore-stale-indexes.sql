-- The indexes with a key that one of the collations $1 sorts.
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(i.relname) AS name
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
WHERE i.relkind = 'i' AND n.nspname <> 'pg_toast'
  AND EXISTS (SELECT FROM pg_catalog.unnest(x.indcollation::oid[]) AS k(oid) WHERE k.oid = ANY ($1))
ORDER BY 1
