-- How many client sessions there are beside those that look after the cluster, which all have this
-- one's name. Replication connections do not count, and neither do the server's own workers.
SELECT count(*) AS sessions
FROM pg_catalog.pg_stat_activity
WHERE backend_type = 'client backend'
  AND application_name <> pg_catalog.current_setting('application_name')
