-- The tables whose rows are compared: every descendant of hectic.immutable at any depth, and the
-- tables in $1 ('schema.table' as users write it). A partitioned table has its rows in its
-- partitions. Also the columns to compare, in the order of the table, and the key. Unless $2 is
-- true, some columns are left out, because they differ between any two databases: generated
-- columns, those of hectic.created_at and hectic.updated_at, and those with a volatile default.
WITH RECURSIVE descendant(oid) AS (
  SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'hectic' AND c.relname = 'immutable'
  UNION
  SELECT c.oid FROM pg_catalog.unnest($1::text[]) t JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(t)
  WHERE c.relkind = 'p'
  UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN descendant d ON d.oid = i.inhparent
),
chosen AS (
  SELECT c.oid, n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND (n.nspname <> 'hectic' AND c.oid IN (SELECT d.oid FROM descendant d)
      OR c.oid IN (SELECT pg_catalog.to_regclass(t) FROM pg_catalog.unnest($1::text[]) t))
),
attribute AS (
  SELECT a.attrelid, a.attnum, a.attname, a.attnotnull,
         a.attgenerated <> '' AS is_generated,
         -- The functions that a default calls appear in its expression tree. For functions of
         -- initdb, there is no other place; in the text, their names could be a part of a string.
         -- Functions of the current time are not volatile for PostgreSQL but differ anyway: as
         -- functions, or as one of the first nine SQL value functions. The other SQL value
         -- functions return roles and names.
         a.attidentity <> '' OR d.tree ~ '\{SQLVALUEFUNCTION :op [0-8] ' OR EXISTS (
           SELECT FROM pg_catalog.regexp_matches(d.tree, ':(?:op)?funcid (\d+)', 'g') AS called
           JOIN pg_catalog.pg_proc f ON f.oid = called[1]::oid
           WHERE f.provolatile = 'v' OR f.proname IN ('now', 'transaction_timestamp', 'statement_timestamp')) AS is_volatile,
         a.attinhcount > 0 AND a.attname IN ('created_at', 'updated_at') AS is_hectic
  FROM chosen c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
  -- a domain may have a default of its own
  CROSS JOIN LATERAL (SELECT COALESCE(e.adbin::text, t.typdefaultbin::text, '')) AS d(tree)
),
-- A join of all tables at once; looking up table by table would take quadratic time.
usable_index AS (
  SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indnkeyatts,
         pg_catalog.array_agg(a.attname::text ORDER BY k.place) AS columns
  FROM chosen c
  JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
  CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
  LEFT JOIN attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
  GROUP BY i.indrelid, i.indexrelid
  HAVING pg_catalog.bool_and(COALESCE(a.attnotnull, false)
           AND NOT (a.is_generated OR a.is_hectic OR a.is_volatile AND NOT $2::boolean))
),
key AS (
  SELECT DISTINCT ON (i.indrelid) i.indrelid, i.columns
  FROM usable_index i
  ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
),
counted AS (
  SELECT a.attrelid, pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) AS columns
  FROM attribute a
  WHERE $2::boolean OR NOT (a.is_generated OR a.is_hectic OR a.is_volatile)
  GROUP BY a.attrelid
)
SELECT pg_catalog.format('%I.%I', c.nspname, c.relname) AS name,
       COALESCE(n.columns, '{}') AS columns, COALESCE(k.columns, '{}') AS key
FROM chosen c LEFT JOIN counted n ON n.attrelid = c.oid LEFT JOIN key k ON k.indrelid = c.oid
ORDER BY 1
