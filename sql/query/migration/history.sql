-- The state of every migration of set $1, in the order of application, and whether the role of this
-- session may continue. One round trip is enough to decide whether there is anything to do.
SELECT m.version, m.name, m.state, m.direction, m.transactional, m.checksum, m.normalized_checksum, m.previous,
       m.actor, m.tool_version, m.error, m.statements, m.backend,
       m.deleted_at IS NOT NULL AS deleted,
       pg_catalog.to_char(m.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started,
       pg_catalog.to_char(m.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS completed,
       (EXTRACT(epoch FROM m.duration) * 1000)::double precision AS milliseconds
FROM hectic.migration_state m
WHERE m.migration_set = $1
ORDER BY m.applied_event
