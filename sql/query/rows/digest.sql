-- A template: the number of a table's rows and two sums of their hashes, 128 bits that do not
-- depend on the order, and the index of the table.
-- A row is hashed as one text. The hash of an array is a sum over its elements, so two rows that
-- exchange values would have the same sum. Unlike md5, hashing takes hardly longer than reading.
-- OFFSET 0 keeps the server from building the text once for each sum.
SELECT @place@ AS place, pg_catalog.concat_ws(' ', pg_catalog.count(*),
         pg_catalog.sum(pg_catalog.hashtextextended(r.cells, 0)),
         pg_catalog.sum(pg_catalog.hashtextextended(r.cells, 1))) AS digest
FROM (SELECT ARRAY[@cells@]::text[]::text COLLATE pg_catalog."C" FROM ONLY @table@ OFFSET 0) AS r(cells)
