-- What follows a statement of a migration without a transaction, on its line; a template. What the
-- first write to an immutable table ends, the next may need.
CALL hectic.note_statement(@set@, @version@, @statements@); SET hectic.migration_mode = 'session';
