-- A template: the number of a table's rows and two sums of their hashes, 128 bits which no order changes.
-- Unlike md5, hashing takes no longer than reading. OFFSET 0 keeps rows from being made once for each sum.
SELECT pg_catalog.concat_ws(' ', pg_catalog.count(*),
         pg_catalog.sum(pg_catalog.hash_array_extended(r.cells, 0)),
         pg_catalog.sum(pg_catalog.hash_array_extended(r.cells, 1))) AS digest
FROM (SELECT ARRAY[@cells@]::text[] COLLATE pg_catalog."C" FROM ONLY @table@ OFFSET 0) AS r(cells)
