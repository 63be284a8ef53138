-- A template: the highest value of a column, how many rows have it or none, and how many are new.
WITH top AS MATERIALIZED (SELECT pg_catalog.max(t.@column@) AS value FROM @table@ t)
SELECT top.value::text AS value,
       (SELECT pg_catalog.count(*) FROM @table@ t WHERE t.@column@ = top.value OR t.@column@ IS NULL) AS edge,
       (SELECT pg_catalog.count(*) FROM @table@ t WHERE @new@) AS fresh
FROM top
