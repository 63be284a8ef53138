-- The names of all secrets, and the times of their last changes.
SELECT s.key AS name, pg_catalog.to_char(s.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS updated
FROM hectic.secret_sealed s
ORDER BY s.key COLLATE "C"
