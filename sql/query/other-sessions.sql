-- How many client sessions there are beside this one. Replication connections do not count, and
-- neither do the server's own workers.
SELECT count(*) AS sessions
FROM pg_catalog.pg_stat_activity
WHERE backend_type = 'client backend'
  AND pid <> pg_catalog.pg_backend_pid()
