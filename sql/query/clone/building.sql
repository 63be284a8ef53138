-- Whether the server has loaded pg_cron, and whether there is a database contrib_regression.
SELECT pg_catalog.current_setting('shared_preload_libraries') ~ '\mpg_cron\M' AS has_cron,
       EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'contrib_regression') AS is_taken
