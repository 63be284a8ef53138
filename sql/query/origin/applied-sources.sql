-- The SQL of every applied migration, in the order of application.
SELECT m.name AS name, e.up_sql AS sql
FROM hectic.migration_state m
CROSS JOIN LATERAL (
  SELECT e.id, e.up_sql FROM hectic.migration_event e
  WHERE (e.migration_set, e.version, e.name) = (m.migration_set, m.version, m.name) AND e.up_sql IS NOT NULL
  ORDER BY e.id DESC LIMIT 1
) e
WHERE m.state = 'Migrated'
ORDER BY e.id
