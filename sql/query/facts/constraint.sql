-- Constraints of tables and domains.
SELECT k.tableoid AS class, k.oid AS id, 0 AS sub,
  pg_catalog.pg_get_constraintdef(k.oid) AS "definition",
  CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and declared' ELSE 'yes' END END AS "inherited",
  t.enabled AS "triggers"
FROM pg_catalog.pg_constraint k
LEFT JOIN (
  -- ALTER TABLE ... DISABLE TRIGGER ALL also disables the triggers that implement foreign keys.
  SELECT t.tgconstraint,
         pg_catalog.string_agg(DISTINCT t.tgenabled::text || ' on ' || t.tgrelid::pg_catalog.regclass, ', ') AS enabled
  FROM pg_catalog.pg_trigger t
  WHERE t.tgisinternal AND t.tgenabled <> 'O'
  GROUP BY t.tgconstraint
) t ON t.tgconstraint = k.oid
WHERE k.oid >= 16384 AND k.contype <> 't'
