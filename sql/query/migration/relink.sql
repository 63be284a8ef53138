-- Sets the predecessor of each applied migration of set $1, after a repair removed a migration from
-- the chain.
UPDATE hectic.migration_state AS m SET previous = chain.before
FROM (SELECT a.version, pg_catalog.lag(a.version) OVER (ORDER BY a.applied_event) AS before
      FROM hectic.migration_state a
      WHERE a.migration_set = $1::text AND a.state = 'Migrated') AS chain
WHERE m.migration_set = $1::text AND m.version = chain.version AND m.previous IS DISTINCT FROM chain.before
