-- From now on, records every DDL statement in the database: the object that it touched, its text,
-- and the migration that was running. It is for private databases only. collector-end.sql removes
-- everything.
BEGIN READ WRITE;
-- No event trigger fires on this.
SET LOCAL session_replication_role = replica;
CREATE SCHEMA hectic_collector;
CREATE TABLE hectic_collector.touched (
  number bigint GENERATED ALWAYS AS IDENTITY, class oid, id oid, sub int, kind text, name text, statement text, migration text
);
CREATE FUNCTION hectic_collector.note() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  running text;
BEGIN
  IF to_regclass('hectic.migration_state') IS NOT NULL THEN
    SELECT m.name INTO running FROM hectic.migration_state m WHERE m.state = 'Running' LIMIT 1;
  END IF;
  IF tg_event = 'sql_drop' THEN
    INSERT INTO hectic_collector.touched (kind, name, statement, migration)
    SELECT d.object_type, d.object_identity, current_query(), running
    FROM pg_event_trigger_dropped_objects() d WHERE NOT d.is_temporary;
  ELSE
    -- for GRANT and similar commands, the server reports no object
    INSERT INTO hectic_collector.touched (class, id, sub, kind, name, statement, migration)
    SELECT c.classid, c.objid, c.objsubid, c.object_type, c.object_identity, current_query(), running
    FROM pg_event_trigger_ddl_commands() c WHERE c.objid IS NOT NULL;
  END IF;
END
$function$;
CREATE EVENT TRIGGER hectic_collector_ddl ON ddl_command_end EXECUTE FUNCTION hectic_collector.note();
CREATE EVENT TRIGGER hectic_collector_drop ON sql_drop EXECUTE FUNCTION hectic_collector.note();
COMMIT;
