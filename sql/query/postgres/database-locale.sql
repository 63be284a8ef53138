-- The encoding and locale of this database. Columns that only newer servers have are read as JSON.
SELECT pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       CASE j ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
       d.datcollate::text AS collate, d.datctype::text AS ctype,
       COALESCE(j ->> 'datlocale', j ->> 'daticulocale') AS locale,
       j ->> 'daticurules' AS rules
FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.to_jsonb(d) AS j
WHERE d.datname = pg_catalog.current_database()
