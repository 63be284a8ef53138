-- Follows begin.sql. The transaction may write, and it is rolled back. Event triggers and triggers
-- do not fire, and bodies of functions, which never run, are not checked.
SET TRANSACTION READ WRITE;
SET LOCAL session_replication_role = replica;
SET LOCAL check_function_bodies = off;
SAVEPOINT parsed;
