-- The owner of the database $1. Whether the template $2 is a complete copy of it, with its encoding
-- and locale. Whether there is a database named $3. Columns that only newer servers have are read
-- as JSON.
SELECT pg_catalog.pg_get_userbyid(o.datdba)::text AS owner,
       t.datistemplate IS TRUE AND NOT t.datallowconn AND t.encoding = o.encoding
         AND t.datcollate = o.datcollate AND t.datctype = o.datctype
         AND (tj ->> 'datlocprovider', COALESCE(tj ->> 'datlocale', tj ->> 'daticulocale'), tj ->> 'daticurules')
         IS NOT DISTINCT FROM
             (oj ->> 'datlocprovider', COALESCE(oj ->> 'datlocale', oj ->> 'daticulocale'), oj ->> 'daticurules')
         AS is_ready,
       EXISTS (SELECT FROM pg_catalog.pg_database n WHERE n.datname = $3::text) AS is_taken
FROM pg_catalog.pg_database o
CROSS JOIN LATERAL pg_catalog.to_jsonb(o) AS oj
LEFT JOIN pg_catalog.pg_database t ON t.datname = $2::text
LEFT JOIN LATERAL pg_catalog.to_jsonb(t) AS tj ON true
WHERE o.datname = $1::text
