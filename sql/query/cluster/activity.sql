-- sessions: the number of sessions that clients have opened since the statistics began
-- others: client sessions and replication connections besides this one, and transactions that wait
-- to be committed
-- cron_database: the database with the jobs of pg_cron, if the server has loaded pg_cron
SELECT
    (SELECT coalesce(sum(d.sessions), 0)::bigint FROM pg_catalog.pg_stat_database d) AS sessions,
    (SELECT pg_catalog.count(*)
       FROM pg_catalog.pg_stat_activity a
      WHERE a.backend_type IN ('client backend', 'walsender')
        AND a.pid <> pg_catalog.pg_backend_pid())
    + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_xacts) AS others,
    CASE
        WHEN pg_catalog.current_setting('shared_preload_libraries') ~ '\mpg_cron\M'
        THEN coalesce(pg_catalog.current_setting('cron.database_name', true), 'postgres')
    END AS cron_database;
