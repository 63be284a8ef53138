-- The event triggers of this database for logins (PostgreSQL 17).
SELECT t.evtname::text AS name
FROM pg_catalog.pg_event_trigger t
WHERE t.evtevent = 'login' AND t.evtenabled <> 'D'
ORDER BY t.evtname
