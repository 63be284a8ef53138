-- How many sessions there are beside those that look after the cluster, which all have this one's
-- name: of clients and, because a backup or a standby depends on them, of replication. The server's
-- own workers do not count. One that has just become idle may be about to end.
SELECT count(*) AS sessions,
       COALESCE(bool_or(state = 'idle' AND state_change > clock_timestamp() - interval '1 second'), false) AS ending
FROM pg_catalog.pg_stat_activity
WHERE backend_type IN ('client backend', 'walsender')
  AND application_name <> pg_catalog.current_setting('application_name')
