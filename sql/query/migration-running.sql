-- The migrations that are Running, of any set.
SELECT m.migration_set, m.name, m.actor,
       pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started
FROM hectic.migration m
WHERE m.state = 'Running'
ORDER BY m.started_at
