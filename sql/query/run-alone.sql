-- How psql runs a migration without a transaction, a template.
SET hectic.migration_mode = 'session';
\i @file@
RESET SESSION AUTHORIZATION;
RESET ROLE;
CALL hectic.end_migration(@set@, @version@, NULL);
