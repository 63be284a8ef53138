-- Whether the table $1 exists. $1 is a name as in a query.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
               WHERE c.oid = pg_catalog.to_regclass($1::text) AND c.relkind IN ('r', 'p')) AS found
