-- The SQL with which each migration of set $1 was last applied.
SELECT m.version, m.name, e.up_sql, e.down_sql, e.files::text AS files
FROM hectic.migration m JOIN hectic.migration_event e ON e.id = m.applied_event
WHERE m.migration_set = $1
ORDER BY m.version
