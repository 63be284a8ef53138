-- From 0.3.0: only the secrets have another shape (sql/upgrade/plain-secret).

DO $version$
DECLARE
  installed text;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT v.version INTO installed FROM hectic.version v;
  IF installed IS DISTINCT FROM '0.3.0' THEN
    RAISE EXCEPTION 'the database has hectic bundle %, not 0.3.0', installed
      USING ERRCODE = 'HC001', HINT = '`database bundle status` says what can be done.';
  END IF;
  DELETE FROM hectic.version;
END
$version$;
