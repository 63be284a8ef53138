-- Switches the jobs of pg_cron off. Its trigger would load the library, so the session has triggers off.
UPDATE cron.job SET active = false WHERE active
