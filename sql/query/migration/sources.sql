-- The SQL of each migration of set $1, as of its last start or repair.
SELECT DISTINCT ON (m.version) m.version, m.name, e.up_sql, e.down_sql, e.files::text AS files
FROM hectic.migration_state m
JOIN hectic.migration_event e ON (e.migration_set, e.version, e.name) = (m.migration_set, m.version, m.name)
WHERE m.migration_set = $1 AND e.up_sql IS NOT NULL
ORDER BY m.version, e.id DESC
