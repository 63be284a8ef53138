-- hectic.version: the version of the bundle with which this database was made.
--
-- Different people apply the bundle again and again, with different releases of db-tool. One row
-- names the version that made the schema hectic. The same version can be applied again. Another
-- version must not touch objects of a shape that it does not know, so it stops here, before the
-- other files run. To upgrade a database is a separate step (sql/upgrade).
--
-- The number below is a placeholder. db-tool puts the version in; sql/README.md shows how to do
-- that by hand.

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
    'The hectic bundle: version, secrets, migration history and, if it is full, the inheritance rules. Managed by db-tool.';
END
$guard$;

-- Check the version before anything is changed.
DO $version$
DECLARE
  bundle       constant text := '@HECTIC_VERSION@';
  numeric_form constant text := '^[0-9]{1,9}(\.[0-9]{1,9})*$';
  installed    text;
BEGIN
  IF bundle !~ numeric_form THEN
    RAISE EXCEPTION 'the bundle''s version was not put into 10-version.sql'
      USING ERRCODE = 'HC001', HINT = 'sql/README.md shows the sed command that replaces the placeholder.';
  END IF;

  IF pg_catalog.to_regclass('hectic.version') IS NOT NULL THEN
    SELECT v.version INTO installed FROM hectic.version v;
  END IF;
  IF installed IS NULL OR installed = bundle THEN
    RETURN;
  ELSIF installed !~ numeric_form THEN
    RAISE EXCEPTION 'the database has hectic bundle "%", which this bundle (%) does not know', installed, bundle
      USING ERRCODE = 'HC001',
            HINT = 'Use the tool that made this database; `database bundle upgrade` moves known older versions only.';
  ELSIF pg_catalog.string_to_array(installed, '.')::int[] > pg_catalog.string_to_array(bundle, '.')::int[] THEN
    RAISE EXCEPTION 'the database has hectic bundle %, newer than this bundle (%)', installed, bundle
      USING ERRCODE = 'HC001',
            HINT = 'Update the tool; `database bundle upgrade` only moves a database forward.';
  ELSE
    RAISE EXCEPTION 'the database has hectic bundle %, this bundle is %', installed, bundle
      USING ERRCODE = 'HC001', HINT = 'Run `database bundle upgrade`.';
  END IF;
END
$version$;

CREATE TABLE IF NOT EXISTS hectic.version (
  version    text        NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
-- An index on a constant admits only one row.
CREATE UNIQUE INDEX IF NOT EXISTS version_single_row ON hectic.version ((true));
INSERT INTO hectic.version (version)
SELECT v FROM (VALUES ('@HECTIC_VERSION@')) AS bundle(v)
WHERE v NOT LIKE '@%' AND NOT EXISTS (SELECT FROM hectic.version);

COMMENT ON TABLE hectic.version IS 'The version of the hectic bundle that shaped this schema; exactly one row.';
COMMENT ON COLUMN hectic.version.version IS 'Version of the bundle, dotted numbers.';
COMMENT ON COLUMN hectic.version.applied_at IS 'When this version was first applied or upgraded to.';
COMMENT ON INDEX hectic.version_single_row IS 'Admits one row: a unique index over a constant.';
