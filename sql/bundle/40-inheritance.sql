-- Inheritance as policy: hectic.created_at, hectic.updated_at and hectic.immutable.
--
-- The parents of a table tell its kind. Every ordinary table must inherit hectic.created_at.
-- hectic.updated_at brings a column that a trigger keeps current. hectic.immutable freezes the rows
-- outside of migrations. PostgreSQL inherits columns but no triggers, and it does not force a table
-- to inherit. So an event trigger runs after each statement that makes or alters a table: it
-- refuses tables that break the rule, gives each table the triggers of its ancestors, and removes
-- the triggers of former ancestors. There are two event triggers, for statements whose tables may
-- inherit and for statements whose tables may not, so that only one of them runs after each
-- statement.
--
-- How the rule works with ALTER TABLE. A database may have tables that are older than this bundle.
-- It must be possible to alter them, if only to make them inherit. But a table that obeyed the rule
-- must not break it afterwards (by NO INHERIT, a move out of an exempt schema, or a dropped
-- default). So the catalogs before and after the statement are compared. PostgreSQL runs a STABLE
-- function on the snapshot of the calling statement, here the ALTER TABLE itself, and a VOLATILE
-- function on a new snapshot. The function of the event trigger is STABLE and sees the state before
-- the statement; the VOLATILE functions that it calls see the state after it.
--
-- Why an immutable table has two triggers. Statement triggers fire even if no row matches, and only
-- they fire for TRUNCATE. But an UPDATE or DELETE of an ancestor fires the statement triggers of
-- the ancestor only, and the row triggers of the table that holds the row. So both are needed.
--
-- A setting gives the permission to write, and PostgreSQL does not tell a function whether SET or
-- SET LOCAL made the setting. So the trigger makes it local: when it first sees the setting, it
-- sets the session's value to nothing and the transaction's value to 'on'. In either case the
-- permission ends with COMMIT.
--
-- The rule prevents mistakes of colleagues. It is no defence against them: an owner may drop or
-- disable a trigger, and every role may SET the list of excluded schemas.

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

CREATE TABLE IF NOT EXISTS hectic.created_at (
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS hectic.updated_at (
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS hectic.immutable ();

COMMENT ON TABLE hectic.created_at IS 'Parent of every ordinary table: when was the row made?';
COMMENT ON COLUMN hectic.created_at.created_at IS 'Start of the transaction that made the row.';
COMMENT ON TABLE hectic.updated_at IS 'Optional parent: tables that inherit it keep updated_at current by a trigger.';
COMMENT ON COLUMN hectic.updated_at.updated_at IS 'Start of the transaction that last changed the row.';
COMMENT ON TABLE hectic.immutable IS
  'Optional parent without columns: rows of tables that inherit it change in migration mode only.';

-- Row and statement triggers -----------------------------------------------------------------

CREATE OR REPLACE FUNCTION hectic.set_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$function$;
COMMENT ON FUNCTION hectic.set_updated_at() IS 'BEFORE UPDATE row trigger: sets updated_at to now().';

CREATE OR REPLACE FUNCTION hectic.block_immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  IF current_setting('hectic.migration_mode', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION '% on immutable table %.% outside migration mode',
        TG_OP, quote_ident(TG_TABLE_SCHEMA), quote_ident(TG_TABLE_NAME)
      USING ERRCODE = 'object_not_in_prerequisite_state',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            HINT = 'In a migration: BEGIN; SET LOCAL hectic.migration_mode = ''on''; ... COMMIT;';
  END IF;
  -- Nothing for the session, 'on' for the rest of this transaction; unless the migrator runs without
  -- a transaction, which says so and resets both settings itself.
  IF current_setting('hectic.migration_session', true) IS DISTINCT FROM 'on' THEN
    PERFORM set_config('hectic.migration_mode', '', false);
    PERFORM set_config('hectic.migration_mode', 'on', true);
  END IF;

  IF TG_LEVEL = 'STATEMENT' THEN
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  RETURN NEW;
END
$function$;
COMMENT ON FUNCTION hectic.block_immutable() IS
  'Row and statement trigger of immutable tables: refuses DML unless hectic.migration_mode is on, and ends that mode with the transaction.';

-- What the catalogs say ----------------------------------------------------------------------

-- These functions are in plpgsql although SQL would read better: a session plans the statements of
-- plpgsql once, and those of an SQL function at each call. A plan is made while the database is
-- nearly empty, and used when it has thousands of tables. So there are no sequential scans, and
-- loops with an index take the place of joins.
CREATE OR REPLACE FUNCTION hectic.with_ancestors(descendant oid) RETURNS oid[]
LANGUAGE plpgsql STABLE STRICT SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  generation oid[] := ARRAY[descendant];
  line       oid[] := generation;
BEGIN
  WHILE generation <> '{}' LOOP
    generation := ARRAY(SELECT DISTINCT i.inhparent FROM pg_inherits i
                        WHERE i.inhrelid = ANY (generation) AND i.inhparent <> ALL (line));
    line := line || generation;
  END LOOP;
  RETURN line;
END
$function$;
COMMENT ON FUNCTION hectic.with_ancestors(oid) IS 'The table and all that it inherits from, through any number of generations.';

-- ROWS, because most tables have few descendants: without it, the planner would choose to read
-- every table of the database.
CREATE OR REPLACE FUNCTION hectic.with_descendants(tables oid[]) RETURNS SETOF oid
LANGUAGE plpgsql STABLE STRICT ROWS 5 SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  generation oid[] := ARRAY(SELECT DISTINCT unnest(tables));
  family     oid[] := generation;
BEGIN
  WHILE generation <> '{}' LOOP
    generation := ARRAY(SELECT DISTINCT i.inhrelid FROM pg_inherits i
                        WHERE i.inhparent = ANY (generation) AND i.inhrelid <> ALL (family));
    family := family || generation;
  END LOOP;
  RETURN QUERY SELECT unnest(family);
END
$function$;
COMMENT ON FUNCTION hectic.with_descendants(oid[]) IS 'The tables and all that inherit from them.';

CREATE OR REPLACE FUNCTION hectic.listed_schemas(setting text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  quoted constant text := '"(?:[^"]|"")+"';
  plain  constant text := '[^",]+';
  item   text;
  listed text[] := '{}';
BEGIN
  IF coalesce(btrim(setting, E' \t\r\n'), '') = '' THEN
    RETURN listed;
  END IF;
  IF strpos(setting, '"') = 0 THEN  -- nearly always; an empty item is the name of no schema
    RETURN regexp_split_to_array(btrim(lower(setting), E' \t\r\n'), '[ \t\r\n]*,[ \t\r\n]*');
  END IF;
  IF setting !~ format('^(\s*(%1$s|%2$s)?\s*(,|$))+$', quoted, plain) THEN
    RAISE EXCEPTION 'cannot read the setting hectic.inheritance_extra_excluded_schemas: %', setting
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'List schema names with commas between them; quote names as in SQL: legacy, "Old Data".';
  END IF;
  FOR item IN SELECT btrim(m[1], E' \t\r\n') FROM regexp_matches(setting, format('%s|%s', quoted, plain), 'g') AS m LOOP
    IF item LIKE '"%' THEN
      listed := array_append(listed, replace(substr(item, 2, length(item) - 2), '""', '"'));
    ELSIF item <> '' THEN
      listed := array_append(listed, lower(item));
    END IF;
  END LOOP;
  RETURN listed;
END
$function$;
COMMENT ON FUNCTION hectic.listed_schemas(text) IS
  'The names in a value of hectic.inheritance_extra_excluded_schemas, read as SQL identifiers.';

CREATE OR REPLACE FUNCTION hectic.extra_excluded_schemas() RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN hectic.listed_schemas(current_setting('hectic.inheritance_extra_excluded_schemas', true));
END
$function$;
COMMENT ON FUNCTION hectic.extra_excluded_schemas() IS
  'Schemas that the session''s setting hectic.inheritance_extra_excluded_schemas lists.';

-- ALTER DATABASE and ALTER ROLE affect later sessions only. Here they count at once, even in the
-- same transaction.
CREATE OR REPLACE FUNCTION hectic.stored_excluded_schemas() RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  stored text;
  listed text[] := '{}';
BEGIN
  FOR stored IN
    SELECT substr(entry, strpos(entry, '=') + 1)
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS entry
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
      AND s.setrole IN (0, (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user))
      AND lower(split_part(entry, '=', 1)) = 'hectic.inheritance_extra_excluded_schemas'
  LOOP
    listed := listed || hectic.listed_schemas(stored);
  END LOOP;
  RETURN listed;
END
$function$;
COMMENT ON FUNCTION hectic.stored_excluded_schemas() IS
  'Schemas that hectic.inheritance_extra_excluded_schemas lists where it is stored for this database, the session''s role or all.';

-- In PostgreSQL, partitioned tables and typed tables cannot inherit. A column of their own is
-- enough.
CREATE OR REPLACE FUNCTION hectic.has_own_created_at(candidate oid) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
  SELECT EXISTS (
    SELECT FROM pg_attribute a
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = candidate AND a.attname = 'created_at' AND NOT a.attisdropped
      AND a.atttypid = 'timestamptz'::regtype AND a.attnotnull AND a.attgenerated = ''
      AND pg_get_expr(d.adbin, d.adrelid) IN ('now()', 'CURRENT_TIMESTAMP', 'transaction_timestamp()')
  )
$function$;
COMMENT ON FUNCTION hectic.has_own_created_at(oid) IS
  'Has the table a column like that of hectic.created_at: timestamptz, not null, default now()?';

-- Partitions are exempt, and temporary tables as part of pg_*, the schemas in which they are. The
-- tables of extensions are exempt, too: the scripts of extensions do not know this rule, and a
-- table belongs to the extension from the moment the script makes it. Foreign tables keep their
-- rows elsewhere, under other rules.
CREATE OR REPLACE FUNCTION hectic.tables_without_created_at(tables oid[], excluded text[]) RETURNS oid[]
LANGUAGE plpgsql STABLE STRICT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  root constant oid := to_regclass('hectic.created_at');
BEGIN
  RETURN ARRAY(
    SELECT c.oid
    FROM hectic.with_descendants(tables) AS member
    JOIN pg_class c ON c.oid = member
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('hectic', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname <> ALL (excluded)
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
      AND CASE WHEN c.relkind = 'p' OR c.reloftype <> 0 THEN hectic.has_own_created_at(c.oid)
               ELSE root = ANY (hectic.with_ancestors(c.oid)) END IS NOT TRUE
    ORDER BY c.oid);
END
$function$;
COMMENT ON FUNCTION hectic.tables_without_created_at(oid[], text[]) IS
  'Those of the tables and their descendants, outside the excluded schemas, that owe created_at and lack it, on the caller''s snapshot.';

CREATE OR REPLACE FUNCTION hectic.tables_without_created_at_now(tables oid[], excluded text[]) RETURNS oid[]
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN hectic.tables_without_created_at(tables, excluded);
END
$function$;
COMMENT ON FUNCTION hectic.tables_without_created_at_now(oid[], text[]) IS
  'hectic.tables_without_created_at on a fresh snapshot, because this function is VOLATILE.';

-- Enforcement --------------------------------------------------------------------------------
-- The event trigger functions run with the rights of their owner: a role that makes a table needs
-- no rights on the schema hectic for them.

-- For most statements only this query runs, and its cost does not depend on the number of tables.
-- It leaves out a table if three conditions hold. The table has no descendants. Its only parents
-- are ours, with hectic.created_at among them (or it has no parents at all, in a schema that the
-- session's setting plainly names). And it has as many of our triggers as these parents bring: one
-- for hectic.updated_at, two for hectic.immutable. All other tables are examined. Our parents are
-- looked up by name, because a plan that contains one would be made again after each new child. The
-- subqueries remain index scans.
CREATE OR REPLACE FUNCTION hectic.tables_to_examine() RETURNS oid[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN array_agg(command.objid)
  FROM pg_event_trigger_ddl_commands() AS command
  WHERE command.object_type IN ('table', 'foreign table')
    AND (SELECT c.relhassubclass
           OR CASE WHEN c.relhastriggers THEN (
                SELECT count(*) FROM pg_trigger t
                WHERE t.tgrelid = c.oid
                  AND t.tgname IN ('hectic_set_updated_at', 'hectic_block_immutable_rows', 'hectic_block_immutable_statements')
                  AND t.tgfoid IN (to_regprocedure('hectic.set_updated_at()'), to_regprocedure('hectic.block_immutable()')))
              ELSE 0 END
           IS DISTINCT FROM
              CASE WHEN c.relispartition THEN 0
              ELSE coalesce(
                (SELECT CASE WHEN bool_or(i.inhparent = to_regclass('hectic.created_at')) THEN
                          sum(CASE i.inhparent WHEN to_regclass('hectic.created_at') THEN 0
                                               WHEN to_regclass('hectic.updated_at') THEN 1
                                               WHEN to_regclass('hectic.immutable')  THEN 2 ELSE 9 END)
                        WHEN count(*) > 0 THEN 9 END
                 FROM pg_inherits i WHERE i.inhrelid = c.oid),
                CASE WHEN command.schema_name IN ('hectic', 'pg_temp') OR command.object_type = 'foreign table'
                       OR strpos(current_setting('hectic.inheritance_extra_excluded_schemas', true), '"') = 0
                          AND command.schema_name = ANY (string_to_array(replace(lower(
                                current_setting('hectic.inheritance_extra_excluded_schemas', true)), ', ', ','), ','))
                     THEN 0 END)
              END
         FROM pg_class c WHERE c.oid = command.objid);
END
$function$;
COMMENT ON FUNCTION hectic.tables_to_examine() IS
  'In an event trigger: the tables of the statement that may owe created_at or a trigger; null if there are none.';

-- STABLE, to see the state before the statement; see the beginning of this file.
CREATE OR REPLACE FUNCTION hectic.refuse_without_created_at(touched oid[], tag text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  excluded     text[] := hectic.extra_excluded_schemas();
  lacking      oid[]  := hectic.tables_without_created_at_now(touched, excluded);
  already_lack oid[];
  offender     oid;
  relation     record;
BEGIN
  IF lacking = '{}' THEN
    RETURN;
  END IF;
  excluded     := excluded || hectic.stored_excluded_schemas();
  lacking      := hectic.tables_without_created_at_now(lacking, excluded);
  already_lack := hectic.tables_without_created_at(touched, excluded);
  FOREACH offender IN ARRAY lacking LOOP
    CONTINUE WHEN offender = ANY (already_lack);
    -- Both event triggers come here: the one that has the rule's name is its switch.
    EXIT WHEN NOT EXISTS (SELECT FROM pg_event_trigger e
                          WHERE e.evtname = 'hectic_enforce_created_at_inheritance' AND e.evtenabled IN ('O', 'A'));
    -- Through VOLATILE eyes: this function's own snapshot predates a new table.
    relation := hectic.describe_relation(offender);
    IF relation.can_inherit THEN
      RAISE EXCEPTION 'table %.% does not inherit hectic.created_at',
          quote_ident(relation.schema_name), quote_ident(relation.table_name)
        USING ERRCODE = 'invalid_table_definition',
              SCHEMA = relation.schema_name, TABLE = relation.table_name,
              DETAIL = format('%s must leave every ordinary table a descendant of hectic.created_at.', tag),
              HINT = CASE WHEN tag IN ('CREATE TABLE AS', 'SELECT INTO')
                       THEN 'Create the table first, with INHERITS (hectic.created_at), then INSERT ... SELECT; or use a temporary table.'
                       WHEN tag = 'ALTER TABLE'
                       THEN 'To exchange a parent, do both in one statement: ALTER TABLE ... NO INHERIT old, INHERIT new.'
                       ELSE 'Write CREATE TABLE ... (...) INHERITS (hectic.created_at).'
                     END || ' To exempt a schema, list it in hectic.inheritance_extra_excluded_schemas.';
    END IF;
    RAISE EXCEPTION 'table %.% has no created_at column of its own',
        quote_ident(relation.schema_name), quote_ident(relation.table_name)
      USING ERRCODE = 'invalid_table_definition',
            SCHEMA = relation.schema_name, TABLE = relation.table_name,
            DETAIL = 'Partitioned and typed tables cannot inherit hectic.created_at.',
            HINT = 'Give it the column "created_at timestamptz NOT NULL DEFAULT now()", or list its schema in hectic.inheritance_extra_excluded_schemas.';
  END LOOP;
END
$function$;
COMMENT ON FUNCTION hectic.refuse_without_created_at(oid[], text) IS
  'Refuses the statement if one of these tables or their descendants owes created_at that did not owe it before.';

CREATE OR REPLACE FUNCTION hectic.describe_relation(
  relation oid, OUT schema_name name, OUT table_name name, OUT can_inherit boolean
)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  SELECT n.nspname, c.relname, c.relkind <> 'p' AND c.reloftype = 0
  INTO schema_name, table_name, can_inherit
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = relation;
END
$function$;
COMMENT ON FUNCTION hectic.describe_relation(oid) IS
  'Name of a table and whether PostgreSQL lets it inherit, on a fresh snapshot.';

-- If the table still inherits, its trigger stays unchanged: the owner may have disabled it for a
-- reason.
CREATE OR REPLACE FUNCTION hectic.sync_inherited_triggers(tables oid[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  scope oid[];
  rule  record;
BEGIN
  IF tables IS NULL THEN
    tables := ARRAY(SELECT 'hectic.updated_at'::regclass::oid UNION SELECT 'hectic.immutable'::regclass
                    UNION SELECT t.tgrelid FROM pg_trigger t
                    WHERE t.tgfoid IN ('hectic.set_updated_at()'::regprocedure, 'hectic.block_immutable()'::regprocedure));
  END IF;
  scope := ARRAY(SELECT hectic.with_descendants(tables));

  FOR rule IN
    WITH wanted(parent, trigger_name, function, timing) AS (
      VALUES (to_regclass('hectic.updated_at'), 'hectic_set_updated_at', to_regprocedure('hectic.set_updated_at()'),
              'BEFORE UPDATE ON %s FOR EACH ROW'),
             (to_regclass('hectic.immutable'), 'hectic_block_immutable_rows', to_regprocedure('hectic.block_immutable()'),
              'BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW'),
             (to_regclass('hectic.immutable'), 'hectic_block_immutable_statements', to_regprocedure('hectic.block_immutable()'),
              'BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT')
    )
    SELECT w.trigger_name, w.function,
           -- Foreign tables have TRUNCATE triggers since PostgreSQL 16.
           CASE WHEN c.relkind = 'f' AND current_setting('server_version_num')::int < 160000
             THEN replace(w.timing, ' OR TRUNCATE', '') ELSE w.timing END AS timing,
           c.oid::regclass AS relation,
           w.parent = ANY (line.members) AS inherits,
           t.oid IS NOT NULL AS attached
    FROM pg_class c
    CROSS JOIN LATERAL (SELECT hectic.with_ancestors(c.oid) AS members OFFSET 0) line
    CROSS JOIN wanted w
    LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = w.trigger_name AND t.tgfoid = w.function
                          AND NOT t.tgisinternal
    -- Another session's temporary table is out of reach, and gone soon.
    WHERE c.oid = ANY (scope) AND c.relkind IN ('r', 'f') AND NOT pg_is_other_temp_schema(c.relnamespace)
  LOOP
    IF rule.inherits AND NOT rule.attached THEN
      EXECUTE format('CREATE OR REPLACE TRIGGER %I ' || rule.timing || ' EXECUTE FUNCTION %s',
                     rule.trigger_name, rule.relation, rule.function);
      EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', rule.trigger_name, rule.relation,
                     'Kept by the hectic bundle because of what the table inherits.');
    ELSIF rule.attached AND NOT rule.inherits THEN
      EXECUTE format('DROP TRIGGER %I ON %s', rule.trigger_name, rule.relation);
    END IF;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION hectic.sync_inherited_triggers(oid[]) IS
  'Gives the tables and their descendants (null: every table) the triggers of hectic.updated_at and hectic.immutable they inherit, and removes those they no longer do.';

-- Runs after statements whose tables may inherit. The statistics tell whether CREATE SCHEMA made
-- tables: it invalidates all cached plans, so that any query would be planned again.
CREATE OR REPLACE FUNCTION hectic.sync_inherited_triggers_after_ddl() RETURNS event_trigger
LANGUAGE plpgsql STABLE SECURITY DEFINER SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  touched oid[];
BEGIN
  IF tg_tag = 'CREATE SCHEMA' THEN
    IF pg_stat_get_xact_tuples_inserted('pg_class'::regclass) = 0 AND current_setting('track_counts') = 'on' THEN
      RETURN;
    END IF;
    PERFORM pg_event_trigger_ddl_commands() OFFSET 1;
    IF NOT FOUND THEN
      RETURN;
    END IF;
  END IF;
  touched := hectic.tables_to_examine();
  IF touched IS NOT NULL THEN
    PERFORM hectic.refuse_without_created_at(touched, tg_tag);
    PERFORM hectic.sync_inherited_triggers(touched);
  END IF;
END
$function$;
COMMENT ON FUNCTION hectic.sync_inherited_triggers_after_ddl() IS
  'Event trigger: hectic.refuse_without_created_at and hectic.sync_inherited_triggers for the tables of the statement.';

-- Runs after statements whose tables cannot inherit, or inherit already.
CREATE OR REPLACE FUNCTION hectic.enforce_created_at_inheritance() RETURNS event_trigger
LANGUAGE plpgsql STABLE SECURITY DEFINER SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM hectic.refuse_without_created_at(ARRAY(
    SELECT command.objid FROM pg_event_trigger_ddl_commands() AS command
    WHERE command.classid = 'pg_class'::regclass AND command.object_type = 'table'
    UNION
    -- a schema that is renamed may lose its exemption
    SELECT d.objid FROM pg_event_trigger_ddl_commands() AS command
    JOIN pg_depend d ON d.refclassid = command.classid AND d.refobjid = command.objid
    WHERE command.classid = 'pg_namespace'::regclass AND d.classid = 'pg_class'::regclass), tg_tag);
END
$function$;
COMMENT ON FUNCTION hectic.enforce_created_at_inheritance() IS
  'Event trigger: hectic.refuse_without_created_at for the tables of the statement, or of the schema that it alters.';

-- Gives triggers to tables that inherited before the event triggers existed.
DO $existing$
BEGIN
  PERFORM hectic.sync_inherited_triggers();
END
$existing$;

-- Each statement fires one of the two. CREATE SCHEMA can make tables within the same statement, and
-- only its own tag is then reported.
DO $event_triggers$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = 'hectic_enforce_created_at_inheritance') THEN
    CREATE EVENT TRIGGER hectic_enforce_created_at_inheritance ON ddl_command_end
      WHEN TAG IN ('CREATE TABLE AS', 'SELECT INTO', 'ALTER SCHEMA')
      EXECUTE FUNCTION hectic.enforce_created_at_inheritance();
    COMMENT ON EVENT TRIGGER hectic_enforce_created_at_inheritance IS
      'Every ordinary table inherits hectic.created_at. Disabled, it ends that rule for all statements.';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = 'hectic_sync_inherited_triggers') THEN
    CREATE EVENT TRIGGER hectic_sync_inherited_triggers ON ddl_command_end
      WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE')
      EXECUTE FUNCTION hectic.sync_inherited_triggers_after_ddl();
    COMMENT ON EVENT TRIGGER hectic_sync_inherited_triggers IS
      'Tables inherit hectic.created_at, and get the triggers of hectic.updated_at and hectic.immutable with the inheritance.';
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'role % may not create event triggers, which takes a superuser: created_at is not enforced, and new tables get no triggers by themselves', current_user
    USING HINT = 'As a superuser: ALTER SCHEMA hectic OWNER to that superuser, then apply the bundle again. Until then run SELECT hectic.sync_inherited_triggers() after creating tables.';
END
$event_triggers$;

-- Event triggers run in the sessions of all roles. So the functions that they call must belong to a
-- superuser. A lesser role may have applied the bundle first.
DO $owner$
DECLARE
  lesser regprocedure;
BEGIN
  IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN
    FOR lesser IN SELECT p.oid FROM pg_catalog.pg_proc p
                  JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
                  WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace AND NOT r.rolsuper LOOP
      EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO CURRENT_USER', lesser);
    END LOOP;
  END IF;
END
$owner$;
