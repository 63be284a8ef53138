-- Ends the sessions of a test that took too long, and waits until they have ended. With $2, all other
-- sessions of the database are the test's.
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000)) AS ended
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database()
  AND pid <> pg_catalog.pg_backend_pid()
  AND backend_type = 'client backend'
  AND (application_name = $1::text OR $2::boolean);
