-- A template: number and digest of a table's rows, whatever their order.
SELECT pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.md5(pg_catalog.string_agg(d, '' ORDER BY d))) AS digest
FROM (SELECT pg_catalog.md5(ARRAY[@cells@]::text[]::text) COLLATE pg_catalog."C" FROM ONLY @table@) AS r(d)
