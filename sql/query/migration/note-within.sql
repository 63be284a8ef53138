-- Follows a statement within a transaction that the migration opened itself. It records nothing,
-- because no statement is done before COMMIT, and the migration itself may have chosen the role
-- of that transaction.
SET LOCAL hectic.migration_mode = 'on';
