-- Follows begin.sql: the transaction may write, and is rolled back. Neither event triggers nor
-- triggers have a say in it, and the body of a function, which is not run, need not be checked.
SET TRANSACTION READ WRITE;
SET LOCAL session_replication_role = replica;
SET LOCAL check_function_bodies = off;
SAVEPOINT parsed;
