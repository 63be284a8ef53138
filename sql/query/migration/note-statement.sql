-- What follows a statement of a migration without a transaction, on its line; a template.
CALL hectic.note_statement(@set@, @version@, @statements@);
