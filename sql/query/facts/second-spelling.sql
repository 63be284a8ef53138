-- Prints the definition of the object that was just made, of the kind $1 and with the name $2. For
-- a partitioned table, the parent's object comes first; those of its children follow.
SELECT CASE $1::text
  WHEN 'view' THEN (
    SELECT pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c
    WHERE c.relname = $2::text AND c.relnamespace = pg_catalog.pg_my_temp_schema())
  WHEN 'partitioned table' THEN (
    SELECT pg_catalog.pg_get_partkeydef(c.oid) FROM pg_catalog.pg_class c
    WHERE c.relname = $2::text AND c.relnamespace = pg_catalog.pg_my_temp_schema())
  WHEN 'constraint' THEN (
    SELECT pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k
    WHERE k.conname = $2::text ORDER BY k.oid LIMIT 1)
  WHEN 'index' THEN (
    SELECT pg_catalog.pg_get_indexdef(c.oid) FROM pg_catalog.pg_class c
    WHERE c.relname = $2::text AND c.relkind IN ('i', 'I') ORDER BY c.oid LIMIT 1)
  WHEN 'trigger' THEN (
    SELECT pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t
    WHERE t.tgname = $2::text ORDER BY t.oid LIMIT 1)
  WHEN 'rule' THEN (
    SELECT pg_catalog.pg_get_ruledef(w.oid) FROM pg_catalog.pg_rewrite w
    WHERE w.rulename = $2::text ORDER BY w.oid LIMIT 1)
  WHEN 'routine' THEN pg_catalog.pg_get_functiondef(pg_catalog.to_regprocedure($2::text))
  WHEN 'statistics' THEN (
    SELECT pg_catalog.pg_get_statisticsobjdef(s.oid) FROM pg_catalog.pg_statistic_ext s
    WHERE s.stxname = $2::text AND s.stxnamespace = pg_catalog.pg_my_temp_schema())
END AS spelling
