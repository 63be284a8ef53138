-- The number of sessions other than db-tool's own, which all have the application name of this
-- session. Clients count, and replication, because a backup or a standby depends on it. The
-- server's own workers do not count. A session that has just become idle may be about to end.
SELECT count(*) AS sessions,
       COALESCE(bool_or(state = 'idle' AND state_change > clock_timestamp() - interval '1 second'), false) AS ending
FROM pg_catalog.pg_stat_activity
WHERE backend_type IN ('client backend', 'walsender')
  AND application_name <> pg_catalog.current_setting('application_name')
