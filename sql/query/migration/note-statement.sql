-- A template: records the progress of a migration without a transaction. It follows each statement
-- on its line.
CALL hectic.note_statement(@set@, @version@, @statements@);
