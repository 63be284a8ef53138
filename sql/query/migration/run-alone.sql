-- A template: the input of psql for a migration without a transaction.
@start@;
SET hectic.migration_mode = 'on';
SET hectic.migration_session = 'on';
\i @file@
RESET SESSION AUTHORIZATION;
RESET ROLE;
CALL hectic.end_migration(@set@, @version@, NULL);
@reset@
