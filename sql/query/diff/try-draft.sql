-- A template: runs the draft of a migration on a copy, like a migration in a transaction.
BEGIN;
SET LOCAL hectic.migration_mode = 'on';
\i @file@
COMMIT;
