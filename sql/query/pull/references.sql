-- The foreign keys between the tables $1.
SELECT DISTINCT c.conrelid AS referring, c.confrelid AS referred
FROM pg_catalog.pg_constraint c
WHERE c.contype = 'f' AND c.conrelid = ANY ($1::oid[]) AND c.confrelid = ANY ($1::oid[])
