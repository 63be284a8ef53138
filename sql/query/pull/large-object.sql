-- A template: whether a column means large objects, which no row brings along.
SELECT EXISTS (SELECT FROM @table@ t JOIN pg_catalog.pg_largeobject_metadata l ON l.oid = t.@column@) AS found
