-- Tables, views, materialized views and foreign tables. Default values are NULL.
SELECT c.tableoid AS class, c.oid AS id, 0 AS sub,
  CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS "persistence",
  pg_catalog.pg_get_partkeydef(c.oid) AS "partition key",
  pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS "partition bound",
  (SELECT pg_catalog.string_agg(
                  i.inhparent::pg_catalog.regclass || CASE WHEN i.inhdetachpending THEN ' (being detached)' ELSE '' END,
                  ', ' ORDER BY i.inhseqno)
                FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) AS "inherits",
  CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END AS "of type",
  nullif(m.amname, 'heap')::text AS "access method",
  s.spcname::text AS "tablespace",
  CASE WHEN c.reloptions IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C")
    FROM pg_catalog.unnest(c.reloptions) o) END AS "options",
  CASE WHEN toast.reloptions IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C")
    FROM pg_catalog.unnest(toast.reloptions) o) END AS "toast options",
  CASE WHEN c.relkind IN ('r', 'p', 'm') THEN
    CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END END AS "replica identity",
  CASE WHEN c.relrowsecurity THEN 'enabled' END AS "row security",
  CASE WHEN c.relforcerowsecurity THEN 'yes' END AS "forced row security",
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END AS "definition",
  CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'no' END AS "populated",
  v.srvname::text AS "server",
  CASE WHEN f.ftoptions IS NOT NULL THEN (
    SELECT pg_catalog.string_agg(pg_catalog.format('%I %L', o.option_name, o.option_value), ', ' ORDER BY o.option_name COLLATE pg_catalog."C")
    FROM pg_catalog.pg_options_to_table(f.ftoptions) o) END AS "foreign options"
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = c.oid
LEFT JOIN pg_catalog.pg_foreign_server v ON v.oid = f.ftserver
WHERE c.oid >= 16384 AND c.relkind NOT IN ('i', 'I', 'S', 'c', 't')
