-- A template: the number of a table's rows and two sums of their hashes, 128 bits which no order changes, and
-- the table's own place.
-- A row is hashed as one text: the hash of an array is a sum over its elements, to which values that
-- change places between two rows would add up all the same. Unlike md5, this takes hardly longer than
-- reading. OFFSET 0 keeps rows from being made once for each sum.
SELECT @place@ AS place, pg_catalog.concat_ws(' ', pg_catalog.count(*),
         pg_catalog.sum(pg_catalog.hashtextextended(r.cells, 0)),
         pg_catalog.sum(pg_catalog.hashtextextended(r.cells, 1))) AS digest
FROM (SELECT ARRAY[@cells@]::text[]::text COLLATE pg_catalog."C" FROM ONLY @table@ OFFSET 0) AS r(cells)
