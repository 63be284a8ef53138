-- From 0.2.0: only the history of migrations has another shape. No release of db-tool wrote to the
-- old table, but users may have; in this case it stays as hectic.migration_0_2_0.

DO $version$
DECLARE
  installed text;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT v.version INTO installed FROM hectic.version v;
  IF installed IS DISTINCT FROM '0.2.0' THEN
    RAISE EXCEPTION 'the database has hectic bundle %, not 0.2.0', installed
      USING ERRCODE = 'HC001', HINT = '`database bundle status` says what can be done.';
  END IF;
  DELETE FROM hectic.version;
END
$version$;

DO $migration$
BEGIN
  IF NOT EXISTS (SELECT FROM hectic.migration) THEN
    DROP TABLE hectic.migration;
    RETURN;
  END IF;
  ALTER TABLE hectic.migration RENAME TO migration_0_2_0;
  COMMENT ON TABLE hectic.migration_0_2_0 IS 'Migration history of bundle 0.2.0, kept by the upgrade.';
  -- the new table wants the names for itself
  ALTER TABLE hectic.migration_0_2_0 RENAME CONSTRAINT migration_pkey TO migration_0_2_0_pkey;
  ALTER TABLE hectic.migration_0_2_0 RENAME CONSTRAINT migration_state TO migration_0_2_0_state;
END
$migration$;
