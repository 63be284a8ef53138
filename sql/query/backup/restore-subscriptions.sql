-- Subscriptions of this database that would go on applying what a publisher sends.
SELECT s.subname::text AS name
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
WHERE d.datname = pg_catalog.current_database() AND s.subenabled
ORDER BY s.subname
