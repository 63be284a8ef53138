-- A template: whether a column refers to large objects, which a pull of rows does not copy.
SELECT EXISTS (SELECT FROM @table@ t JOIN pg_catalog.pg_largeobject_metadata l ON l.oid = t.@column@) AS found
