-- A template: the highest value of a column, the number of rows with that value or NULL, and the
-- number of new rows.
WITH top AS MATERIALIZED (SELECT pg_catalog.max(t.@column@) AS value FROM @table@ t)
SELECT top.value::text AS value,
       (SELECT pg_catalog.count(*) FROM @table@ t WHERE t.@column@ = top.value OR t.@column@ IS NULL) AS edge,
       (SELECT pg_catalog.count(*) FROM @table@ t WHERE @new@) AS fresh
FROM top
