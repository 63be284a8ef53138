-- From 0.5.1: the table of states has another name (sql/upgrade/migration-state), and so have the
-- triggers of immutable tables (sql/upgrade/immutable-triggers).

DO $version$
DECLARE
  installed text;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT v.version INTO installed FROM hectic.version v;
  IF installed IS DISTINCT FROM '0.5.1' THEN
    RAISE EXCEPTION 'the database has hectic bundle %, not 0.5.1', installed
      USING ERRCODE = 'HC001', HINT = '`database bundle status` says what can be done.';
  END IF;
  DELETE FROM hectic.version;
END
$version$;
