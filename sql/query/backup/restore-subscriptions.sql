-- The enabled subscriptions of this database, which would go on applying changes of a publisher.
SELECT s.subname::text AS name
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
WHERE d.datname = pg_catalog.current_database() AND s.subenabled
ORDER BY s.subname
