-- Removes what collector-start.sql made.
BEGIN;
DROP EVENT TRIGGER hectic_collector_ddl;
DROP EVENT TRIGGER hectic_collector_drop;
DROP SCHEMA hectic_collector CASCADE;
COMMIT;
