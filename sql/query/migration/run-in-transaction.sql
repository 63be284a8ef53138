-- A template: the input of psql for a migration in a transaction. Another transaction first sets
-- the state Running. The transaction's id at the end shows whether the migration has ended the
-- transaction itself.
BEGIN\; @start@\; COMMIT\; BEGIN\; SET LOCAL hectic.migration_mode = 'on'\; SELECT pg_catalog.pg_current_xact_id()::text AS transaction \gset migrator_
\i @file@
RESET SESSION AUTHORIZATION\; RESET ROLE\; CALL hectic.end_migration(@set@, @version@, :'migrator_transaction')\; COMMIT\;
@reset@
