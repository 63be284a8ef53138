-- The prepared transactions, which wait for COMMIT PREPARED.
SELECT p.gid, p.database::text AS database
FROM pg_catalog.pg_prepared_xacts p
ORDER BY p.database, p.gid
