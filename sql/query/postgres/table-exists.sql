-- Whether the table $1, a name as it would stand in a query, exists.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
               WHERE c.oid = pg_catalog.to_regclass($1::text) AND c.relkind IN ('r', 'p')) AS found
