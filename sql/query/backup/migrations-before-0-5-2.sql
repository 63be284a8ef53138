-- The last applied migration of every set in a database with an older bundle.
SELECT DISTINCT ON (m.migration_set) m.migration_set::text AS set, m.name::text AS name
FROM hectic.migration m
WHERE m.state = 'Migrated' AND m.deleted_at IS NULL
ORDER BY m.migration_set, m.applied_event DESC
