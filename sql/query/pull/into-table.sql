-- The indexes (from 0) of the columns $2 that table $1 does not have here, or has with another type
-- than $3.
SELECT ARRAY(SELECT s.place - 1
             FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) WITH ORDINALITY AS s(name, type, place)
             LEFT JOIN pg_catalog.pg_attribute a
               ON a.attrelid = c.oid AND a.attname = s.name AND NOT a.attisdropped AND a.attgenerated = ''
             WHERE pg_catalog.format_type(a.atttypid, a.atttypmod) IS DISTINCT FROM s.type
             ORDER BY s.place) AS uncompared
FROM pg_catalog.pg_class c
WHERE c.oid = pg_catalog.to_regclass($1::text)
