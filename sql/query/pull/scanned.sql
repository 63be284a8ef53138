-- The properties of the columns of tables $1 that restrict a proposal: the form of their values,
-- the maximal length, NOT NULL, and uniqueness.
SELECT a.attrelid AS oid, a.attname::text AS column,
       CASE WHEN e.typcategory = 'A' THEN 'array'
            WHEN e.oid IN ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype) THEN 'json'
            WHEN e.oid = 'pg_catalog.bytea'::pg_catalog.regtype THEN 'bytea'
            WHEN e.typcategory = 'S' THEN 'text'
            WHEN e.typcategory = 'I' THEN 'network'
            WHEN e.typcategory = 'R' THEN 'range'
            ELSE 'other' END AS form,
       CASE WHEN e.oid = 'pg_catalog.name'::pg_catalog.regtype THEN 63
            WHEN e.oid IN ('pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype)
            THEN NULLIF(GREATEST(a.atttypmod, t.typtypmod), -1) - 4 END AS length,
       a.attnotnull OR t.typnotnull AS required,
       EXISTS (SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey::smallint[])) AS is_unique
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type e ON e.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
