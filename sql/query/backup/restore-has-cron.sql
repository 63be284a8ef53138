-- Whether pg_cron keeps its jobs in this database.
SELECT pg_catalog.to_regclass('cron.job') IS NOT NULL AS found
