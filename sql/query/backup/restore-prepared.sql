-- Transactions that were prepared for a commit in two phases and wait for it.
SELECT p.gid, p.database::text AS database
FROM pg_catalog.pg_prepared_xacts p
ORDER BY p.database, p.gid
