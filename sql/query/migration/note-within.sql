-- What follows a statement within a transaction that a migration makes for itself: nothing is done
-- before its COMMIT, and the transaction, its role included, is the migration's own affair.
SET LOCAL hectic.migration_mode = 'on';
