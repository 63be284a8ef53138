-- fails unless pg_cron is installed in this database
SELECT EXISTS (SELECT FROM cron.job WHERE active) AS found;
