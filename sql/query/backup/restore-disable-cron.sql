-- Switches off the jobs of pg_cron. A trigger of pg_cron would load its library, so the session
-- runs with triggers disabled.
UPDATE cron.job SET active = false WHERE active
