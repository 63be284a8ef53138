-- hectic.migration: the applied migrations, in order, for people and scripts; a view of
-- hectic.migration_state: the state of each migration in this database, one row for each; and
-- hectic.migration_event: a log of all actions, to which rows are only appended.
--
-- Only the migrator writes here; people read. A migration becomes Running before its SQL starts, in
-- a transaction of its own, so that a crash leaves a trace. It becomes Migrated in the same
-- transaction as its SQL, so that either both are committed or none. A migration that was never
-- started has no state. A reverted migration is Undone, and a failed one is Error.
--
-- The migrator calls the procedures below in the session that runs the migrations. They check that
-- the session still holds the migrator's lock, and that the state of the row allows the step. Any
-- other state is impossible and raises HC003.

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

CREATE TABLE IF NOT EXISTS hectic.migration_event (
  id                  bigint      GENERATED ALWAYS AS IDENTITY
    CONSTRAINT migration_event_pkey PRIMARY KEY,
  migration_set       text        NOT NULL,
  version             bigint      NOT NULL,
  name                text        NOT NULL,
  action              text        NOT NULL
    CONSTRAINT migration_event_action CHECK (action IN ('up', 'down', 'abort', 'baseline', 'repair')),
  state               text        NOT NULL
    CONSTRAINT migration_event_state CHECK (state IN ('Running', 'Migrated', 'Error', 'Undone')),
  checksum            text        NOT NULL,
  normalized_checksum text        NOT NULL,
  previous            bigint,
  happened_at         timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  actor               text        NOT NULL,
  tool_version        text        NOT NULL,
  error               text,
  note                text,
  up_sql              text,
  down_sql            text,
  files               jsonb
);
REVOKE ALL ON TABLE hectic.migration_event FROM PUBLIC;

CREATE TABLE IF NOT EXISTS hectic.migration_state (
  migration_set       text        NOT NULL,
  version             bigint      NOT NULL,
  name                text        NOT NULL,
  state               text        NOT NULL
    CONSTRAINT migration_state_state CHECK (state IN ('Running', 'Migrated', 'Error', 'Undone')),
  direction           text        NOT NULL
    CONSTRAINT migration_state_direction CHECK (direction IN ('up', 'down')),
  transactional       boolean     NOT NULL,
  checksum            text        NOT NULL,
  normalized_checksum text        NOT NULL,
  previous            bigint,
  started_at          timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  completed_at        timestamptz,
  duration            interval    GENERATED ALWAYS AS (completed_at - started_at) STORED,
  actor               text        NOT NULL,
  tool_version        text        NOT NULL,
  error               text,
  applied_event       bigint,
  deleted_at          timestamptz,
  backend             integer,
  statements          integer,
  invalid_before      oid[],
  invalid_left        oid[],
  CONSTRAINT migration_state_pkey PRIMARY KEY (migration_set, version)
);
REVOKE ALL ON TABLE hectic.migration_state FROM PUBLIC;

-- IF NOT EXISTS does not check the shape of an existing table, so do it here.
DO $shape$
BEGIN
  IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = 'hectic.migration_state'::pg_catalog.regclass AND NOT a.attisdropped
        AND a.attname IN ('migration_set', 'version', 'name', 'state', 'direction', 'normalized_checksum',
                          'previous', 'applied_event', 'deleted_at', 'backend', 'invalid_left')) < 11
     -- before 0.5.2, hectic.migration was the table of states
     OR EXISTS (SELECT FROM pg_catalog.pg_class c
                WHERE c.relnamespace = 'hectic'::pg_catalog.regnamespace AND c.relname = 'migration' AND c.relkind <> 'v') THEN
    RAISE EXCEPTION 'the history of migrations has the shape of another bundle version'
      USING ERRCODE = 'HC002', HINT = 'Run `database bundle upgrade`.';
  END IF;
END
$shape$;

-- A migration is applied until its down has completed, so one whose down runs or has failed is still
-- in the list. The time is that of the first event that made it Migrated. The join also keeps the
-- view from taking writes.
CREATE OR REPLACE VIEW hectic.migration AS
SELECT m.applied_event AS id, m.name, m.checksum AS hash,
       COALESCE(e.happened_at, m.completed_at, m.started_at) AS applied_at, m.migration_set, m.version
FROM hectic.migration_state m
LEFT JOIN LATERAL (
  SELECT e.happened_at FROM hectic.migration_event e
  WHERE e.id >= m.applied_event AND e.migration_set = m.migration_set AND e.version = m.version AND e.state = 'Migrated'
  ORDER BY e.id LIMIT 1
) e ON true
WHERE m.state = 'Migrated' OR m.direction = 'down' AND m.state IN ('Running', 'Error')
ORDER BY m.applied_event;
REVOKE ALL ON TABLE hectic.migration FROM PUBLIC;

CREATE OR REPLACE FUNCTION hectic.keep_migration_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RAISE EXCEPTION 'hectic.migration_event is append-only'
    USING ERRCODE = 'restrict_violation', HINT = '`migrator repair` records what it changes.';
END
$function$;

CREATE OR REPLACE TRIGGER migration_event_is_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hectic.migration_event
FOR EACH STATEMENT EXECUTE FUNCTION hectic.keep_migration_event();

-- Whether this session holds the migrator's lock. The argument is the key of this advisory lock.
CREATE OR REPLACE FUNCTION hectic.holds_migration_lock(lock_key bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.classid = (lock_key >> 32 & 4294967295)::oid AND l.objid = (lock_key & 4294967295)::oid);
END
$function$;

-- The invalid indexes, which a concurrent build has left or is still making. An index on a
-- partitioned table is left out: it may be invalid for good reasons.
CREATE OR REPLACE FUNCTION hectic.invalid_indexes() RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN ARRAY(
    SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relkind = 'i'
    ORDER BY i.indexrelid);
END
$function$;

-- Sets the state to Running, and logs the SQL that is about to run.
CREATE OR REPLACE PROCEDURE hectic.start_migration(
  lock_key bigint, migration_set text, version bigint, name text, direction text, transactional boolean,
  checksum text, normalized_checksum text, previous bigint, actor text, tool_version text,
  up_sql text, down_sql text, files jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
#variable_conflict use_column
DECLARE
  event  bigint;
  before oid[];
BEGIN
  IF NOT hectic.holds_migration_lock(lock_key) THEN
    RAISE EXCEPTION 'the migrator''s lock was lost before migration %', start_migration.name
      USING ERRCODE = 'HC003', HINT = 'A migration has released it. Nothing more was run; run the command again.';
  END IF;
  IF NOT transactional THEN
    before := hectic.invalid_indexes();
  END IF;

  INSERT INTO hectic.migration_event AS e (
    migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version,
    up_sql, down_sql, files)
  VALUES (
    start_migration.migration_set, start_migration.version, start_migration.name, start_migration.direction,
    'Running', start_migration.checksum, start_migration.normalized_checksum, start_migration.previous,
    start_migration.actor, start_migration.tool_version, start_migration.up_sql, start_migration.down_sql,
    start_migration.files)
  RETURNING e.id INTO event;

  IF direction = 'up' THEN
    INSERT INTO hectic.migration_state AS m (
      migration_set, version, name, state, direction, transactional, checksum, normalized_checksum, previous,
      actor, tool_version, applied_event, backend, invalid_before)
    VALUES (
      start_migration.migration_set, start_migration.version, start_migration.name, 'Running', 'up',
      start_migration.transactional, start_migration.checksum, start_migration.normalized_checksum,
      start_migration.previous, start_migration.actor, start_migration.tool_version, event, pg_backend_pid(), before)
    ON CONFLICT (migration_set, version) DO UPDATE SET
      (name, state, direction, transactional, checksum, normalized_checksum, previous, started_at, completed_at,
       actor, tool_version, error, applied_event, deleted_at, backend, statements, invalid_before, invalid_left) =
      (excluded.name, 'Running', 'up', excluded.transactional, excluded.checksum, excluded.normalized_checksum,
       excluded.previous, excluded.started_at, NULL, excluded.actor, excluded.tool_version, NULL,
       excluded.applied_event, NULL, excluded.backend, NULL, excluded.invalid_before, NULL)
    WHERE m.state = 'Undone' OR m.state = 'Error' AND m.direction = 'up';
  ELSE
    UPDATE hectic.migration_state AS m SET
      (state, direction, transactional, started_at, completed_at, actor, tool_version, error, backend, statements,
       invalid_before, invalid_left) =
      ROW ('Running', 'down', start_migration.transactional, clock_timestamp(), NULL::timestamptz,
           start_migration.actor, start_migration.tool_version, NULL::text, pg_backend_pid(), NULL::integer,
           before, NULL::oid[])
    WHERE m.migration_set = start_migration.migration_set AND m.version = start_migration.version
      AND (m.state = 'Migrated' OR m.state = 'Error' AND m.direction = 'down');
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'migration % cannot be started %: another session has changed its state', start_migration.name, direction
      USING ERRCODE = 'HC003', HINT = '`migrator info` shows the states.';
  END IF;
END
$procedure$;

-- The progress of a migration without a transaction. The migrator calls this after each of its
-- statements.
CREATE OR REPLACE PROCEDURE hectic.note_statement(migration_set text, version bigint, statements integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
#variable_conflict use_column
BEGIN
  UPDATE hectic.migration_state AS m SET statements = note_statement.statements
  WHERE m.migration_set = note_statement.migration_set AND m.version = note_statement.version;
END
$procedure$;

-- Sets the state to Migrated or Undone. transaction_id is the transaction in which the migration
-- began, or null for a migration without one. If the current transaction is another one, the
-- migration has ended its own.
CREATE OR REPLACE PROCEDURE hectic.end_migration(migration_set text, version bigint, transaction_id text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
#variable_conflict use_column
DECLARE
  ended hectic.migration_state;
BEGIN
  -- Where each statement is a transaction, both begin together.
  IF transaction_id IS NULL AND transaction_timestamp() <> statement_timestamp() THEN
    RAISE EXCEPTION 'the migration has left a transaction open'
      USING ERRCODE = 'HC004', HINT = 'End it with COMMIT, or let the migrator make the transaction.';
  ELSIF transaction_id <> pg_current_xact_id()::text THEN
    RAISE EXCEPTION 'the migration ended its own transaction'
      USING ERRCODE = 'HC004',
            DETAIL = 'What it did before that is committed, if it was a COMMIT.',
            HINT = 'Remove the transaction control, or put `-- migrator: no-transaction` on the first line.';
  END IF;
  UPDATE hectic.migration_state AS m SET
    state = CASE m.direction WHEN 'up' THEN 'Migrated' ELSE 'Undone' END,
    completed_at = clock_timestamp(), backend = NULL, invalid_before = NULL
  WHERE m.migration_set = end_migration.migration_set AND m.version = end_migration.version
    AND m.state = 'Running' AND m.backend = pg_backend_pid()
  RETURNING m.* INTO ended;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'migration % is no longer Running in this session', end_migration.version
      USING ERRCODE = 'HC003', HINT = '`migrator history` shows who changed its state.';
  END IF;
  INSERT INTO hectic.migration_event (
    migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version)
  VALUES (
    ended.migration_set, ended.version, ended.name, ended.direction, ended.state, ended.checksum,
    ended.normalized_checksum, ended.previous, ended.actor, ended.tool_version);
END
$procedure$;

-- Sets Running migrations to Error: those of one session (backend), or all. A failed down in a
-- transaction has changed nothing, so its migration is Migrated as before, and only the log says
-- Error. Returns the names.
CREATE OR REPLACE FUNCTION hectic.fail_migration(
  migration_set text, version bigint, backend integer, action text, actor text, tool_version text, error text)
RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
#variable_conflict use_column
DECLARE
  failed hectic.migration_state;
BEGIN
  FOR failed IN
    UPDATE hectic.migration_state AS m SET
      state = CASE WHEN m.direction = 'down' AND m.transactional THEN 'Migrated' ELSE 'Error' END,
      completed_at = clock_timestamp(), error = fail_migration.error, backend = NULL,
      invalid_left = CASE WHEN NOT m.transactional THEN ARRAY(
          SELECT o FROM unnest(hectic.invalid_indexes()) AS o
          WHERE NOT o = ANY (m.invalid_before)
            -- somebody else's build that is still going on
            AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = o)) END
    WHERE m.migration_set = fail_migration.migration_set
      AND m.version = COALESCE(fail_migration.version, m.version)
      AND m.state = 'Running' AND (fail_migration.backend IS NULL OR m.backend = fail_migration.backend)
    RETURNING m.*
  LOOP
    INSERT INTO hectic.migration_event (
      migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version, error)
    VALUES (
      failed.migration_set, failed.version, failed.name, COALESCE(action, failed.direction), 'Error', failed.checksum,
      failed.normalized_checksum, failed.previous, fail_migration.actor, fail_migration.tool_version,
      fail_migration.error);
    RETURN NEXT failed.name;
  END LOOP;
END
$function$;

DO $revoke$
DECLARE
  routine record;
BEGIN
  -- What only the migrator calls is nobody's by default.
  FOR routine IN SELECT p.oid::pg_catalog.regprocedure AS signature FROM pg_catalog.pg_proc p
                 WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace
                   AND p.proname IN ('keep_migration_event', 'holds_migration_lock', 'invalid_indexes', 'start_migration',
                                     'note_statement', 'end_migration', 'fail_migration') LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine.signature);
  END LOOP;
END
$revoke$;

COMMENT ON FUNCTION hectic.keep_migration_event() IS 'Refuses to change the log of migrations.';
COMMENT ON FUNCTION hectic.holds_migration_lock(bigint) IS 'Whether this session holds the migrator''s lock.';
COMMENT ON FUNCTION hectic.invalid_indexes() IS 'Indexes that a concurrent build left invalid or is still making.';
COMMENT ON PROCEDURE hectic.start_migration(bigint, text, bigint, text, text, boolean, text, text, bigint, text, text, text, text, jsonb)
  IS 'Sets a migration Running and logs its SQL.';
COMMENT ON PROCEDURE hectic.note_statement(text, bigint, integer)
  IS 'Notes how many statements of a migration without a transaction are done.';
COMMENT ON PROCEDURE hectic.end_migration(text, bigint, text) IS 'Sets a Running migration Migrated or Undone.';
COMMENT ON FUNCTION hectic.fail_migration(text, bigint, integer, text, text, text, text)
  IS 'Sets a Running migration Error, or Migrated again after a down in a transaction.';
COMMENT ON TRIGGER migration_event_is_append_only ON hectic.migration_event IS 'What is logged stays.';

COMMENT ON VIEW hectic.migration IS 'The applied migrations, in order of application.';
COMMENT ON COLUMN hectic.migration.id IS 'Event of its start; orders what is applied.';
COMMENT ON COLUMN hectic.migration.name IS 'The name as on disk, with its version.';
COMMENT ON COLUMN hectic.migration.hash IS 'SHA-256 of the up file with what it includes, lower-case hexadecimal.';
COMMENT ON COLUMN hectic.migration.applied_at IS 'When it was applied.';
COMMENT ON COLUMN hectic.migration.migration_set IS 'The set it belongs to; sets are independent of each other.';
COMMENT ON COLUMN hectic.migration.version IS 'Number in front of the name; orders the set.';

COMMENT ON TABLE hectic.migration_state IS 'State of each migration; written by the migrator.';
COMMENT ON CONSTRAINT migration_state_pkey ON hectic.migration_state IS 'A version is migrated once in its set.';
COMMENT ON INDEX hectic.migration_state_pkey IS 'Migrations by set and version.';
COMMENT ON CONSTRAINT migration_state_state ON hectic.migration_state IS 'The states of a migration; without a row it is Pending.';
COMMENT ON CONSTRAINT migration_state_direction ON hectic.migration_state IS 'The directions of a migration.';
COMMENT ON COLUMN hectic.migration_state.migration_set IS 'The set it belongs to; sets are independent of each other.';
COMMENT ON COLUMN hectic.migration_state.version IS 'Number in front of the name; orders the set.';
COMMENT ON COLUMN hectic.migration_state.name IS 'The name as on disk, with its version.';
COMMENT ON COLUMN hectic.migration_state.state IS 'Running, Migrated, Error or Undone.';
COMMENT ON COLUMN hectic.migration_state.direction IS 'What ran last: up or down.';
COMMENT ON COLUMN hectic.migration_state.transactional IS 'Whether what ran last ran in a transaction.';
COMMENT ON COLUMN hectic.migration_state.checksum IS 'SHA-256 of the up file with what it includes, lower-case hexadecimal.';
COMMENT ON COLUMN hectic.migration_state.normalized_checksum IS 'The same without comments, byte order mark and kinds of line ends.';
COMMENT ON COLUMN hectic.migration_state.previous IS 'Version of the migration that was applied before it; null for the first.';
COMMENT ON COLUMN hectic.migration_state.started_at IS 'When it last began.';
COMMENT ON COLUMN hectic.migration_state.completed_at IS 'When that ended; null while it runs.';
COMMENT ON COLUMN hectic.migration_state.duration IS 'From the one to the other.';
COMMENT ON COLUMN hectic.migration_state.actor IS 'Who ran it: user@host.';
COMMENT ON COLUMN hectic.migration_state.tool_version IS 'Release of the migrator that ran it.';
COMMENT ON COLUMN hectic.migration_state.error IS 'Why it last failed; null otherwise.';
COMMENT ON COLUMN hectic.migration_state.applied_event IS 'Event of its last start upwards: orders what is applied, and holds the SQL.';
COMMENT ON COLUMN hectic.migration_state.deleted_at IS 'When a repair excused its missing files.';
COMMENT ON COLUMN hectic.migration_state.backend IS 'Process id of the session that runs it.';
COMMENT ON COLUMN hectic.migration_state.statements IS 'Without a transaction: how many statements are known to be done.';
COMMENT ON COLUMN hectic.migration_state.invalid_before IS 'Without a transaction: indexes that were invalid before it.';
COMMENT ON COLUMN hectic.migration_state.invalid_left IS 'Without a transaction: indexes that its failure left invalid.';

COMMENT ON TABLE hectic.migration_event IS 'Log of everything that was done to migrations; append-only.';
COMMENT ON CONSTRAINT migration_event_pkey ON hectic.migration_event IS 'Events are numbered.';
COMMENT ON INDEX hectic.migration_event_pkey IS 'Events by number.';
COMMENT ON SEQUENCE hectic.migration_event_id_seq IS 'Numbers of events.';
COMMENT ON CONSTRAINT migration_event_action ON hectic.migration_event IS 'What can be done to a migration.';
COMMENT ON CONSTRAINT migration_event_state ON hectic.migration_event IS 'The states of a migration.';
COMMENT ON COLUMN hectic.migration_event.id IS 'Number; later events have higher ones.';
COMMENT ON COLUMN hectic.migration_event.migration_set IS 'The set of the migration.';
COMMENT ON COLUMN hectic.migration_event.version IS 'The version of the migration.';
COMMENT ON COLUMN hectic.migration_event.name IS 'The name of the migration, as on disk.';
COMMENT ON COLUMN hectic.migration_event.action IS 'What was done: up, down, abort, baseline or repair.';
COMMENT ON COLUMN hectic.migration_event.state IS 'What came of it.';
COMMENT ON COLUMN hectic.migration_event.checksum IS 'SHA-256 of the up file with what it includes.';
COMMENT ON COLUMN hectic.migration_event.normalized_checksum IS 'The same without comments, byte order mark and kinds of line ends.';
COMMENT ON COLUMN hectic.migration_event.previous IS 'Version of the migration that was applied before it.';
COMMENT ON COLUMN hectic.migration_event.happened_at IS 'When.';
COMMENT ON COLUMN hectic.migration_event.actor IS 'Who: user@host.';
COMMENT ON COLUMN hectic.migration_event.tool_version IS 'Release of the migrator.';
COMMENT ON COLUMN hectic.migration_event.error IS 'Why it failed; null otherwise.';
COMMENT ON COLUMN hectic.migration_event.note IS 'What a repair changed.';
COMMENT ON COLUMN hectic.migration_event.up_sql IS 'The up file as it was about to run; on the event of its start.';
COMMENT ON COLUMN hectic.migration_event.down_sql IS 'The down file at that time; null without one.';
COMMENT ON COLUMN hectic.migration_event.files IS 'Paths of both and of included files with their text, where the name alone does not tell.';
