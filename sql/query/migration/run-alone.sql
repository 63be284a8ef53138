-- How psql runs a migration without a transaction, a template.
@start@;
SET hectic.migration_mode = 'on';
SET hectic.migration_session = 'on';
\i @file@
RESET SESSION AUTHORIZATION;
RESET ROLE;
CALL hectic.end_migration(@set@, @version@, NULL);
@reset@
