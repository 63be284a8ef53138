SELECT pg_catalog.to_regclass('cron.job') IS NOT NULL AS found;
