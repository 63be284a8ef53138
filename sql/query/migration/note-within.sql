-- Follows a statement within a transaction that the migration opened itself. It records nothing,
-- because nothing is done before COMMIT, and the role in that transaction is the migration's own
-- choice.
SET LOCAL hectic.migration_mode = 'on';
