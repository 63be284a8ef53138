-- The migration that session $1 runs, in any set. If an ended session had the same process id, the
-- last migration counts.
SELECT m.name,
       pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started
FROM hectic.migration_state m
WHERE m.state = 'Running' AND m.backend = $1::integer
ORDER BY m.started_at DESC
LIMIT 1
