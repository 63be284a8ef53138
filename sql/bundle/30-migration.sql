-- hectic.migration: what has been done to this database, one row for each migration.
--
-- Only the migrator writes here; people read it. A row is written before its migration runs
-- (state running) and completed after it, so that a crash leaves a trace instead of a gap. The
-- checksum is that of the file as it was applied: a file edited afterwards shows.

-- The schema, and one application at a time: IF NOT EXISTS alone loses races. The lock lasts as
-- long as the transaction, so apply the file in one (sql/README.md).
DO $guard$
DECLARE
  schema_owner name;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO schema_owner
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'hectic';

  IF NOT FOUND THEN
    IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
      RAISE EXCEPTION 'role % may not create the schema hectic in database %',
          current_user, pg_catalog.current_database()
        USING ERRCODE = 'insufficient_privilege',
              HINT = pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I, or apply the bundle as the database''s owner.',
                                       pg_catalog.current_database(), current_user);
    END IF;
    CREATE SCHEMA IF NOT EXISTS hectic;
  -- Whoever owns the schema can exchange what is in it, so a superuser's functions must not live
  -- in the schema of a lesser role.
  ELSIF NOT pg_catalog.pg_has_role(schema_owner, 'USAGE')
     OR (SELECT me.rolsuper AND NOT owner.rolsuper
         FROM pg_catalog.pg_roles me, pg_catalog.pg_roles owner
         WHERE me.rolname = current_user AND owner.rolname = schema_owner) THEN
    RAISE EXCEPTION 'the schema hectic belongs to role %, not to %', schema_owner, current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = pg_catalog.format('Apply the bundle as %I, or hand the schema over first: ALTER SCHEMA hectic OWNER TO %I.',
                                     schema_owner, current_user);
  END IF;
  COMMENT ON SCHEMA hectic IS
    'The hectic bundle: version, secrets, migration history and the inheritance rules. Managed by db-tool.';
END
$guard$;

CREATE TABLE IF NOT EXISTS hectic.migration (
  version      text        PRIMARY KEY,
  name         text        NOT NULL,
  state        text        NOT NULL
    CONSTRAINT migration_state CHECK (state IN ('running', 'applied', 'failed')),
  checksum     text        NOT NULL,
  started_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  completed_at timestamptz,
  error        text
);
REVOKE ALL ON TABLE hectic.migration FROM PUBLIC;

-- IF NOT EXISTS says nothing about the shape of a table that is there already.
DO $shape$
BEGIN
  IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = 'hectic.migration'::pg_catalog.regclass AND NOT a.attisdropped
        AND a.attname IN ('version', 'name', 'state', 'checksum', 'started_at', 'completed_at', 'error')) < 7 THEN
    RAISE EXCEPTION 'hectic.migration has the shape of another bundle version'
      USING ERRCODE = 'HC002', HINT = 'Run `database bundle upgrade`.';
  END IF;
END
$shape$;

COMMENT ON CONSTRAINT migration_pkey ON hectic.migration IS 'A version is migrated once.';
COMMENT ON INDEX hectic.migration_pkey IS 'Migrations by version.';
COMMENT ON CONSTRAINT migration_state ON hectic.migration IS 'The states of a migration.';
COMMENT ON TABLE hectic.migration IS 'History of migrations; written by the migrator.';
COMMENT ON COLUMN hectic.migration.version IS 'Version part of the migration''s name; orders the history.';
COMMENT ON COLUMN hectic.migration.name IS 'Descriptive part of the migration''s name.';
COMMENT ON COLUMN hectic.migration.state IS 'running, applied or failed.';
COMMENT ON COLUMN hectic.migration.checksum IS 'SHA-256 of the applied file, lower-case hexadecimal.';
COMMENT ON COLUMN hectic.migration.started_at IS 'When it began.';
COMMENT ON COLUMN hectic.migration.completed_at IS 'When it ended; null while it runs.';
COMMENT ON COLUMN hectic.migration.error IS 'Why it failed; null otherwise.';
