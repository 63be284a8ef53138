-- Objects that belong to a table: triggers, rules, policies, statistics; also event triggers.
SELECT t.tableoid AS class, t.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'definition', pg_catalog.pg_get_triggerdef(t.oid),
  'enabled', CASE t.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
  'inherited', CASE WHEN t.tgparentid <> 0 THEN 'yes' END
)::text AS properties
FROM pg_catalog.pg_trigger t
WHERE NOT t.tgisinternal
UNION ALL
SELECT w.tableoid, w.oid, 0, pg_catalog.json_build_object(
  'definition', pg_catalog.pg_get_ruledef(w.oid),
  'enabled', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END
)::text
FROM pg_catalog.pg_rewrite w
WHERE w.oid >= 16384 AND w.rulename <> '_RETURN'
UNION ALL
SELECT y.tableoid, y.oid, 0, pg_catalog.json_build_object(
  'command', CASE y.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                           WHEN 'd' THEN 'delete' ELSE 'all' END,
  'permissive', CASE WHEN NOT y.polpermissive THEN 'no' END,
  'roles', (SELECT pg_catalog.string_agg(x.name, ', ' ORDER BY x.name COLLATE pg_catalog."C")
             FROM pg_catalog.unnest(y.polroles) r,
                  LATERAL (SELECT CASE r WHEN 0 THEN 'public' ELSE r::pg_catalog.regrole::text END) AS x(name)),
  'using', pg_catalog.pg_get_expr(y.polqual, y.polrelid),
  'with check', pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid)
)::text
FROM pg_catalog.pg_policy y
UNION ALL
SELECT s.tableoid, s.oid, 0, pg_catalog.json_build_object(
  'definition', pg_catalog.pg_get_statisticsobjdef(s.oid),
  'statistics', nullif(s.stxstattarget, -1)::text
)::text
FROM pg_catalog.pg_statistic_ext s
UNION ALL
SELECT e.tableoid, e.oid, 0, pg_catalog.json_build_object(
  'event', e.evtevent::text,
  'function', e.evtfoid::pg_catalog.regprocedure::text,
  'tags', (SELECT pg_catalog.string_agg(t, ', ' ORDER BY t COLLATE pg_catalog."C") FROM pg_catalog.unnest(e.evttags) t),
  'enabled', CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END
)::text
FROM pg_catalog.pg_event_trigger e
