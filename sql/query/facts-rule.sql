-- What a table obeys: constraints, triggers, rules, policies; and event triggers.
SELECT k.tableoid AS class, k.oid AS id, 0 AS sub, p.property, p.value
FROM pg_catalog.pg_constraint k
LEFT JOIN (
  -- ALTER TABLE ... DISABLE TRIGGER ALL reaches the triggers that stand for foreign keys.
  SELECT t.tgconstraint, pg_catalog.string_agg(DISTINCT t.tgenabled::text || ' on ' || t.tgrelid::pg_catalog.regclass, ', ') AS enabled
  FROM pg_catalog.pg_trigger t
  WHERE t.tgisinternal AND t.tgenabled <> 'O'
  GROUP BY t.tgconstraint
) t ON t.tgconstraint = k.oid
CROSS JOIN LATERAL (VALUES
  ('definition', pg_catalog.pg_get_constraintdef(k.oid)),
  ('inherited', CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and declared' ELSE 'yes' END END),
  ('triggers', t.enabled)
) AS p(property, value)
WHERE k.oid >= 16384 AND k.contype <> 't' AND p.value IS NOT NULL
UNION ALL
SELECT t.tableoid, t.oid, 0, p.property, p.value
FROM pg_catalog.pg_trigger t
CROSS JOIN LATERAL (VALUES
  ('definition', pg_catalog.pg_get_triggerdef(t.oid)),
  ('enabled', CASE t.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END),
  ('inherited', CASE WHEN t.tgparentid <> 0 THEN 'yes' END)
) AS p(property, value)
WHERE NOT t.tgisinternal AND p.value IS NOT NULL
UNION ALL
SELECT w.tableoid, w.oid, 0, p.property, p.value
FROM pg_catalog.pg_rewrite w
CROSS JOIN LATERAL (VALUES
  ('definition', pg_catalog.pg_get_ruledef(w.oid)),
  ('enabled', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END)
) AS p(property, value)
WHERE w.oid >= 16384 AND w.rulename <> '_RETURN' AND p.value IS NOT NULL
UNION ALL
SELECT y.tableoid, y.oid, 0, p.property, p.value
FROM pg_catalog.pg_policy y
CROSS JOIN LATERAL (VALUES
  ('command', CASE y.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END),
  ('permissive', CASE WHEN NOT y.polpermissive THEN 'no' END),
  ('roles', (SELECT pg_catalog.string_agg(x.name, ', ' ORDER BY x.name COLLATE pg_catalog."C")
             FROM pg_catalog.unnest(y.polroles) r,
                  LATERAL (SELECT CASE r WHEN 0 THEN 'public' ELSE r::pg_catalog.regrole::text END) AS x(name))),
  ('using', pg_catalog.pg_get_expr(y.polqual, y.polrelid)),
  ('with check', pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid))
) AS p(property, value)
WHERE p.value IS NOT NULL
UNION ALL
SELECT s.tableoid, s.oid, 0, p.property, p.value
FROM pg_catalog.pg_statistic_ext s
CROSS JOIN LATERAL (VALUES
  ('definition', pg_catalog.pg_get_statisticsobjdef(s.oid)),
  ('statistics', nullif(s.stxstattarget, -1)::text)
) AS p(property, value)
WHERE p.value IS NOT NULL
UNION ALL
SELECT e.tableoid, e.oid, 0, p.property, p.value
FROM pg_catalog.pg_event_trigger e
CROSS JOIN LATERAL (VALUES
  ('event', e.evtevent::text),
  ('function', e.evtfoid::pg_catalog.regprocedure::text),
  ('tags', (SELECT pg_catalog.string_agg(t, ', ' ORDER BY t COLLATE pg_catalog."C") FROM pg_catalog.unnest(e.evttags) t)),
  ('enabled', CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END)
) AS p(property, value)
WHERE p.value IS NOT NULL
