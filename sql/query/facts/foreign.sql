-- Objects that reach beyond the database: foreign servers and publications.
SELECT f.tableoid AS class, f.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'handler', nullif(f.fdwhandler, 0)::pg_catalog.regprocedure::text,
  'validator', nullif(f.fdwvalidator, 0)::pg_catalog.regprocedure::text,
  'options', (SELECT pg_catalog.string_agg(pg_catalog.format('%I %L', o.option_name, o.option_value), ', ' ORDER BY o.option_name COLLATE pg_catalog."C")
               FROM pg_catalog.pg_options_to_table(f.fdwoptions) o)
)::text AS properties
FROM pg_catalog.pg_foreign_data_wrapper f
UNION ALL
SELECT s.tableoid, s.oid, 0, pg_catalog.json_build_object(
  'wrapper', f.fdwname::text,
  'type', s.srvtype,
  'version', s.srvversion,
  'options', (SELECT pg_catalog.string_agg(pg_catalog.format('%I %L', o.option_name, o.option_value), ', ' ORDER BY o.option_name COLLATE pg_catalog."C")
               FROM pg_catalog.pg_options_to_table(s.srvoptions) o)
)::text
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper f ON f.oid = s.srvfdw
UNION ALL
-- The options may contain passwords, so only a digest is read.
SELECT 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, u.umid, 0, pg_catalog.json_build_object(
  'options', (SELECT 'md5 ' || pg_catalog.md5(pg_catalog.string_agg(o, ', ' ORDER BY o COLLATE pg_catalog."C"))
              FROM pg_catalog.unnest(u.umoptions) o)
)::text
FROM pg_catalog.pg_user_mappings u
WHERE u.umoptions IS NOT NULL
UNION ALL
SELECT b.tableoid, b.oid, 0, pg_catalog.json_build_object(
  'all tables', CASE WHEN b.puballtables THEN 'yes' END,
  'operations', pg_catalog.concat_ws(', ', CASE WHEN b.pubinsert THEN 'insert' END, CASE WHEN b.pubupdate THEN 'update' END,
                                      CASE WHEN b.pubdelete THEN 'delete' END, CASE WHEN b.pubtruncate THEN 'truncate' END),
  'via root', CASE WHEN b.pubviaroot THEN 'yes' END,
  -- since PostgreSQL 18
  'generated columns', nullif(pg_catalog.to_jsonb(b) ->> 'pubgencols', 'n')
)::text
FROM pg_catalog.pg_publication b
UNION ALL
SELECT b.tableoid, b.oid, 0, pg_catalog.json_build_object(
  'table ' || r.prrelid::pg_catalog.regclass, pg_catalog.concat_ws(' ',
    coalesce((SELECT '(' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
              FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), '(all columns)'),
    'where ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid))
)::text
FROM pg_catalog.pg_publication_rel r
JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid
UNION ALL
SELECT b.tableoid, b.oid, 0, pg_catalog.json_build_object('schema ' || s.pnnspid::pg_catalog.regnamespace, 'yes')::text
FROM pg_catalog.pg_publication_namespace s
JOIN pg_catalog.pg_publication b ON b.oid = s.pnpubid
