-- Columns of tables, views and composite types. Default values are NULL.
SELECT a.class, a.attrelid AS id, a.attnum::integer AS sub,
  a.place::text AS "position",
  pg_catalog.format_type(a.atttypid, a.atttypmod) AS "type",
  CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN a.attcollation::pg_catalog.regcollation::text END AS "collation",
  -- Since PostgreSQL 18, NOT NULL is a constraint with a name, and it may exclude children or
  -- existing rows.
  CASE WHEN a.attnotnull THEN coalesce(nullif(pg_catalog.concat_ws(', ',
    CASE WHEN k.connoinherit THEN 'no inherit' END, CASE WHEN NOT k.convalidated THEN 'not valid' END), ''), 'yes') END AS "not null",
  CASE WHEN k.conislocal THEN pg_catalog.quote_ident(k.conname) END AS "not null constraint",
  CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS "default",
  CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    || CASE a.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END END AS "generated",
  CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS "identity",
  CASE WHEN a.attstorage <> t.typstorage THEN
    CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END AS "storage",
  CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE nullif(a.attcompression::text, '') END AS "compression",
  nullif(a.attstattarget, -1)::text AS "statistics",
  CASE WHEN a.attoptions IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C")
    FROM pg_catalog.unnest(a.attoptions) o) END AS "options",
  CASE WHEN a.attfdwoptions IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(pg_catalog.format('%I %L', o.option_name, o.option_value), ', ' ORDER BY o.option_name COLLATE pg_catalog."C")
    FROM pg_catalog.pg_options_to_table(a.attfdwoptions) o) END AS "foreign options",
  CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'and declared' ELSE 'yes' END END AS "inherited"
FROM (
  SELECT c.tableoid AS class, a.*,
         -- The position among the existing columns: dropped columns leave holes in attnum.
         pg_catalog.row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
) a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum
