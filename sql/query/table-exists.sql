-- Whether the table $1, a name as it would stand in a query, exists.
SELECT pg_catalog.to_regclass($1::text) IS NOT NULL AS found
