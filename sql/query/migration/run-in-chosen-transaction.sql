-- A template: the same as run-in-transaction.sql for a migration that chooses the isolation level of
-- its transaction. The server refuses that after the first query, and asking for the transaction's id
-- is a query. A setting, which ends with the transaction, shows whether the migration has ended it.
BEGIN\; @start@\; COMMIT\; BEGIN\; SET LOCAL hectic.migration_mode = 'on'\; SET LOCAL hectic.migration_transaction = 'open';
\i @file@
RESET SESSION AUTHORIZATION\; RESET ROLE\; SELECT CASE pg_catalog.current_setting('hectic.migration_transaction', true) WHEN 'open' THEN pg_catalog.pg_current_xact_id()::text ELSE '0' END AS transaction \gset migrator_
CALL hectic.end_migration(@set@, @version@, :'migrator_transaction')\; COMMIT\;
@reset@
