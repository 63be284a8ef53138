-- From 0.5.2: only texts have changed, so the bundle replaces everything by itself.

DO $version$
DECLARE
  installed text;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT v.version INTO installed FROM hectic.version v;
  IF installed IS DISTINCT FROM '0.5.2' THEN
    RAISE EXCEPTION 'the database has hectic bundle %, not 0.5.2', installed
      USING ERRCODE = 'HC001', HINT = '`database bundle status` says what can be done.';
  END IF;
  DELETE FROM hectic.version;
END
$version$;
