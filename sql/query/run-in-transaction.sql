-- How psql runs a migration in a transaction, a template. That it still is the same one at the end
-- shows in its id.
BEGIN\; SET LOCAL hectic.migration_mode = 'on'\; SELECT pg_catalog.pg_current_xact_id()::text AS transaction \gset migrator_
\i @file@
RESET SESSION AUTHORIZATION\; RESET ROLE\; CALL hectic.end_migration(@set@, @version@, :'migrator_transaction')\; COMMIT;
