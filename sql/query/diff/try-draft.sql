-- How the draft of a migration is tried on a copy, a template: like a migration in a transaction.
BEGIN;
SET LOCAL hectic.migration_mode = 'on';
\i @file@
COMMIT;
