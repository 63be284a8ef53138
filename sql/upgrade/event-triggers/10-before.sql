-- From any version from 0.2.0 to 0.5.0: the bundle had two event triggers. It now makes one for
-- each kind of statement, and brings other functions for them.

DO $event_triggers$
DECLARE
  old record;
BEGIN
  FOR old IN SELECT e.evtname, e.evtenabled FROM pg_catalog.pg_event_trigger e
             WHERE e.evtname IN ('hectic_enforce_created_at_inheritance', 'hectic_sync_inherited_triggers') LOOP
    IF old.evtenabled = 'D' THEN
      RAISE WARNING 'the event trigger % was disabled and is enabled now', old.evtname
        USING HINT = pg_catalog.format('ALTER EVENT TRIGGER %I DISABLE', old.evtname);
    END IF;
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER %I', old.evtname);
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % may not drop the event triggers of the bundle', current_user
    USING ERRCODE = 'insufficient_privilege', HINT = 'Run `database bundle upgrade` as a superuser.';
END
$event_triggers$;

DROP FUNCTION IF EXISTS hectic.tables_without_created_at_now(oid[]);
DROP FUNCTION IF EXISTS hectic.tables_without_created_at(oid[]);
DROP FUNCTION IF EXISTS hectic.inherits_from(oid, oid);
DROP FUNCTION IF EXISTS hectic.sync_inherited_triggers_after_ddl();
DROP FUNCTION IF EXISTS hectic.stored_excluded_schemas();
DROP FUNCTION IF EXISTS hectic.extra_excluded_schemas();
