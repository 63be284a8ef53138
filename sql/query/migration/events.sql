-- The events of set $1, oldest first.
SELECT e.id, e.version, e.name, e.action, e.state, e.checksum, e.previous, e.actor, e.tool_version, e.error, e.note,
       pg_catalog.to_char(e.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS happened
FROM hectic.migration_event e
WHERE e.migration_set = $1
ORDER BY e.id
