BEGIN;
SET LOCAL hectic.migration_mode = 'on';
@rows@COMMIT;
