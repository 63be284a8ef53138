-- The columns of the tables $1 that are pulled, with their types. Generated columns are left out.
-- Also the columns that may refer to a large object, the columns that can hold text, and the key:
-- the primary key, or else the smallest unique index over NOT NULL columns.
WITH attribute AS (
  SELECT a.attrelid, a.attnum, a.attname::text AS name,
         -- since PostgreSQL 18, a column can be NOT NULL although older rows have NULL
         a.attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'
                                        AND n.conkey[1] = a.attnum AND NOT n.convalidated) AS attnotnull, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attgenerated <> '' AS is_generated,
         a.atttypid = 'pg_catalog.oid'::pg_catalog.regtype OR t.typbasetype = 'pg_catalog.oid'::pg_catalog.regtype AS is_oid,
         -- numbers, booleans, times, enums, bits and uuids cannot hold text
         NOT (e.typcategory IN ('N', 'B', 'D', 'T', 'E', 'V') OR e.oid = 'pg_catalog.uuid'::pg_catalog.regtype) AS is_textual
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
  WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
),
usable AS (
  SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indnkeyatts,
         pg_catalog.array_agg(a.name ORDER BY k.place) AS columns
  FROM pg_catalog.pg_index i
  CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, place)
  LEFT JOIN attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
    AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
  GROUP BY i.indrelid, i.indexrelid
  HAVING pg_catalog.bool_and(COALESCE(a.attnotnull AND NOT a.is_generated, false))
)
SELECT r.oid,
       ARRAY(SELECT a.name FROM attribute a WHERE a.attrelid = r.oid AND NOT a.is_generated ORDER BY a.attnum) AS columns,
       ARRAY(SELECT a.type FROM attribute a WHERE a.attrelid = r.oid AND NOT a.is_generated ORDER BY a.attnum) AS types,
       ARRAY(SELECT a.name FROM attribute a WHERE a.attrelid = r.oid AND a.is_oid ORDER BY a.attnum) AS oids,
       ARRAY(SELECT a.name FROM attribute a WHERE a.attrelid = r.oid AND a.is_textual AND NOT a.is_generated ORDER BY a.attnum) AS textual,
       COALESCE((SELECT u.columns FROM usable u WHERE u.indrelid = r.oid
                 ORDER BY u.indisprimary DESC, u.indnkeyatts, u.indexrelid LIMIT 1), '{}') AS key
FROM pg_catalog.unnest($1::oid[]) AS r(oid)
