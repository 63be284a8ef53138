-- How psql runs a migration in a transaction, a template: first Running, in a transaction of its own.
-- That it still is the same transaction at the end shows in its id.
BEGIN\; @start@\; COMMIT\; BEGIN\; SET LOCAL hectic.migration_mode = 'on'\; SELECT pg_catalog.pg_current_xact_id()::text AS transaction \gset migrator_
\i @file@
RESET SESSION AUTHORIZATION\; RESET ROLE\; CALL hectic.end_migration(@set@, @version@, :'migrator_transaction')\; COMMIT\;
@reset@
