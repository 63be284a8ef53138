-- Drops the objects that collector-start.sql made.
BEGIN READ WRITE;
-- No event trigger fires on this.
SET LOCAL session_replication_role = replica;
DROP EVENT TRIGGER hectic_collector_ddl;
DROP EVENT TRIGGER hectic_collector_drop;
DROP SCHEMA hectic_collector CASCADE;
COMMIT;
