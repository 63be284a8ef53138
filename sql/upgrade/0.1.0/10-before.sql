-- From 0.1.0: makes room for the files of the bundle, which run next in the same transaction. 0.1.0
-- is the bundle of the shell tools. It has plain secrets with names as keys, a version row, a
-- migration table of another shape, and event triggers whose functions have other names.
--
-- Nothing is lost. The next file (sql/upgrade/plain-secret) keeps the secrets. A migration table of
-- another shape stays as hectic.migration_0_1_0. A trigger that somebody attached by hand to a
-- table outside of the inheritance keeps working. Only objects that the bundle makes again are
-- dropped.

DO $version$
DECLARE
  installed text;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  IF pg_catalog.to_regnamespace('hectic') IS NULL THEN
    RAISE EXCEPTION 'there is no hectic bundle to upgrade' USING ERRCODE = 'HC001', HINT = 'Apply the bundle.';
  END IF;
  -- The shell tools could be used without the version file.
  IF pg_catalog.to_regclass('hectic.version') IS NOT NULL THEN
    SELECT v.version INTO installed FROM hectic.version v;
    IF installed <> '0.1.0' THEN
      RAISE EXCEPTION 'the database has hectic bundle %, not 0.1.0', installed
        USING ERRCODE = 'HC001', HINT = '`database bundle status` says what can be done.';
    END IF;
    DROP TABLE hectic.version;
  END IF;
END
$version$;

-- Drop the event triggers first: otherwise they would run after the statements below.
DO $event_triggers$
DECLARE
  old name;
BEGIN
  FOR old IN SELECT e.evtname FROM pg_catalog.pg_event_trigger e
             JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
             WHERE e.evtname LIKE 'hectic\_%' OR p.pronamespace = 'hectic'::pg_catalog.regnamespace LOOP
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER %I', old);
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'role % may not drop the event triggers of bundle 0.1.0', current_user
    USING ERRCODE = 'insufficient_privilege', HINT = 'Run `database bundle upgrade` as a superuser.';
END
$event_triggers$;

-- Drop the triggers that the old bundle attached. Then drop the functions that nothing uses any
-- more, and those with a signature that CREATE OR REPLACE cannot change.
DO $functions$
DECLARE
  old record;
BEGIN
  FOR old IN
    WITH RECURSIVE heir(member) AS (
      SELECT c.oid FROM pg_catalog.pg_class c
      WHERE c.relnamespace = 'hectic'::pg_catalog.regnamespace AND c.relname IN ('created_at', 'updated_at', 'immutable')
      UNION
      SELECT i.inhrelid FROM heir JOIN pg_catalog.pg_inherits i ON i.inhparent = heir.member
    )
    SELECT t.tgname, t.tgrelid::pg_catalog.regclass AS relation
    FROM heir JOIN pg_catalog.pg_trigger t ON t.tgrelid = heir.member
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace AND NOT t.tgisinternal
  LOOP
    EXECUTE pg_catalog.format('DROP TRIGGER %I ON %s', old.tgname, old.relation);
  END LOOP;

  FOR old IN
    SELECT p.oid::pg_catalog.regprocedure AS signature FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace
      AND (p.prorettype IN ('trigger'::pg_catalog.regtype, 'event_trigger'::pg_catalog.regtype)
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid)
        OR p.proname = 'get_secret' AND (p.prorettype <> 'text'::pg_catalog.regtype OR p.proargnames IS DISTINCT FROM '{k}')
        OR p.proname = 'load_secrets_from_env'
             AND (p.prorettype <> 'void'::pg_catalog.regtype OR p.proargnames IS DISTINCT FROM '{env_content}'))
  LOOP
    EXECUTE pg_catalog.format('DROP ROUTINE %s', old.signature);
  END LOOP;
END
$functions$;

DO $migration$
DECLARE
  old name;
BEGIN
  IF pg_catalog.to_regclass('hectic.migration') IS NULL THEN
    RETURN;
  END IF;
  ALTER TABLE hectic.migration RENAME TO migration_0_1_0;
  COMMENT ON TABLE hectic.migration_0_1_0 IS 'Migration history of bundle 0.1.0, kept by the upgrade.';
  -- The new table wants the names for itself; since PostgreSQL 18 those of NOT NULL too.
  FOR old IN SELECT c.conname FROM pg_catalog.pg_constraint c
             WHERE c.conrelid = 'hectic.migration_0_1_0'::pg_catalog.regclass AND c.contype <> 't' AND c.coninhcount = 0 LOOP
    EXECUTE pg_catalog.format('ALTER TABLE hectic.migration_0_1_0 RENAME CONSTRAINT %I TO %I', old, old || '_0_1_0');
  END LOOP;
  FOR old IN SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
             WHERE i.indrelid = 'hectic.migration_0_1_0'::pg_catalog.regclass AND c.relname NOT LIKE '%\_0\_1\_0' LOOP
    EXECUTE pg_catalog.format('ALTER INDEX hectic.%I RENAME TO %I', old, old || '_0_1_0');
  END LOOP;
END
$migration$;
