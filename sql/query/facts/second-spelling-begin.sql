-- Follows begin.sql. The transaction may write, but db-tool rolls it back. No event trigger or
-- trigger fires, and the server does not check bodies of functions, which never run.
SET TRANSACTION READ WRITE;
SET LOCAL session_replication_role = replica;
SET LOCAL check_function_bodies = off;
SAVEPOINT parsed;
