-- Inheritance as policy: hectic.created_at, hectic.updated_at and hectic.immutable.
--
-- The parents of a table tell its kind. Every ordinary table must inherit hectic.created_at.
-- hectic.updated_at brings a column that a trigger keeps current. hectic.immutable freezes the rows
-- outside of migrations. PostgreSQL inherits columns but no triggers, and it does not force a table
-- to inherit. So an event trigger runs after each statement that makes or alters a table: it
-- refuses tables that break the rule, gives each table the triggers of its ancestors, and removes
-- the triggers of former ancestors. There are four event triggers, because each kind of statement
-- has its own cheapest proof that its tables obey the rule. No statement fires two of them.
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
    'The hectic bundle: version, secrets, migration history and, if it is full, the inheritance rules. Managed by db-tool.';
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

-- PostgreSQL puts this function into the queries that call it, which it does only without a SET
-- clause. The function reads pg_depend, which records inheritance and partitions, too: a scan of
-- pg_inherits would spoil the proof of hectic.examine_altered_tables. OFFSET 0 keeps the planner
-- from a join with the whole of pg_depend.
CREATE OR REPLACE FUNCTION hectic.parents(child pg_catalog.oid)
RETURNS TABLE (parent pg_catalog.oid, of_partition pg_catalog.bool)
LANGUAGE sql STABLE AS $function$
  SELECT d.refobjid, d.deptype OPERATOR(pg_catalog.=) 'a' FROM pg_catalog.pg_depend AS d
  WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid OPERATOR(pg_catalog.=) child AND d.objsubid OPERATOR(pg_catalog.=) 0
    AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
  OFFSET 0
$function$;
COMMENT ON FUNCTION hectic.parents(oid) IS
  'What a table inherits from directly, or the partitioned table that it is a partition of.';

-- The functions below are in plpgsql although SQL would read better: a session plans the statements
-- of plpgsql once, and those of an SQL function at each call. A plan is made while the database is
-- nearly empty, and used when it has thousands of tables. So there are no sequential scans, and
-- loops with an index take the place of joins.
CREATE OR REPLACE FUNCTION hectic.with_ancestors(descendant oid) RETURNS oid[]
LANGUAGE plpgsql STABLE STRICT SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  generation oid[] := ARRAY[descendant];
  line       oid[] := generation;
BEGIN
  WHILE generation <> '{}' LOOP
    generation := ARRAY(SELECT DISTINCT p.parent FROM unnest(generation) AS child, hectic.parents(child) AS p
                        WHERE p.parent <> ALL (line));
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

-- PostgreSQL puts this function into queries, too. It returns false also for names that the setting
-- lists in a less simple way; hectic.excluded_schemas() reads those.
CREATE OR REPLACE FUNCTION hectic.is_plainly_excluded(schema_name pg_catalog.text) RETURNS pg_catalog.bool
LANGUAGE sql STABLE AS $function$
  SELECT (schema_name OPERATOR(pg_catalog.=) 'pg_temp'
          OR pg_catalog.strpos(pg_catalog.current_setting('hectic.inheritance_extra_excluded_schemas', true), '"')
               OPERATOR(pg_catalog.=) 0
             AND schema_name OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(pg_catalog.replace(pg_catalog.lower(
                   pg_catalog.current_setting('hectic.inheritance_extra_excluded_schemas', true)), ', ', ','), ','))
         ) IS TRUE
$function$;
COMMENT ON FUNCTION hectic.is_plainly_excluded(text) IS
  'Is the schema temporary or in a simple list in the session''s setting hectic.inheritance_extra_excluded_schemas?';

-- ALTER DATABASE and ALTER ROLE affect later sessions only. Here they count at once, even in the
-- same transaction.
CREATE OR REPLACE FUNCTION hectic.excluded_schemas() RETURNS text[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  stored text;
  listed text[] := hectic.listed_schemas(current_setting('hectic.inheritance_extra_excluded_schemas', true));
BEGIN
  FOR stored IN
    SELECT substr(entry, strpos(entry, '=') + 1)
    FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS entry
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
      AND s.setrole IN (0, to_regrole(quote_ident(session_user))::oid)
      AND lower(split_part(entry, '=', 1)) = 'hectic.inheritance_extra_excluded_schemas'
  LOOP
    listed := listed || hectic.listed_schemas(stored);
  END LOOP;
  RETURN listed;
END
$function$;
COMMENT ON FUNCTION hectic.excluded_schemas() IS
  'Schemas that hectic.inheritance_extra_excluded_schemas lists: in the session, or stored for this database, the session''s role or all.';

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
  root     constant oid := to_regclass('hectic.created_at');
  suspects oid[];
BEGIN
  -- A child of hectic.created_at obeys the rule, and so do its descendants.
  suspects := ARRAY(SELECT t FROM unnest(tables) AS t
                    WHERE NOT EXISTS (SELECT FROM hectic.parents(t) AS p WHERE p.parent = root));
  IF suspects = '{}' THEN
    RETURN suspects;
  END IF;
  RETURN ARRAY(
    SELECT c.oid
    FROM hectic.with_descendants(suspects) AS member
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

-- Examination --------------------------------------------------------------------------------

-- Runs if the cheaper proofs below fail. It leaves out a table if three conditions hold. The table
-- has no descendants. Its only parents are ours, with hectic.created_at among them (or it has no
-- parents at all, in an excluded schema). And it has as many of our triggers as these parents
-- bring: one for hectic.updated_at, two for hectic.immutable. All other tables are examined. Our
-- parents are looked up by name, because a plan that contains one would be made again after each
-- new child.
CREATE OR REPLACE FUNCTION hectic.tables_to_examine() RETURNS oid[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  created_at constant oid   := to_regclass('hectic.created_at');
  updated_at constant oid   := to_regclass('hectic.updated_at');
  immutable  constant oid   := to_regclass('hectic.immutable');
  functions  constant oid[] := ARRAY[to_regprocedure('hectic.set_updated_at()'), to_regprocedure('hectic.block_immutable()')];
BEGIN
  -- The session began or ended no inheritance since its counters were at 0: the schema is enough.
  IF pg_stat_get_xact_tuples_inserted('pg_inherits'::regclass) + pg_stat_get_xact_tuples_deleted('pg_inherits'::regclass) = 0
     AND current_setting('track_counts') = 'on' THEN
    PERFORM FROM pg_event_trigger_ddl_commands() AS command
    WHERE command.object_type IN ('table', 'foreign table', 'table column')
      AND command.schema_name <> ALL ((SELECT hectic.excluded_schemas())::text[]);
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  RETURN array_agg(command.objid)
  FROM pg_event_trigger_ddl_commands() AS command
  WHERE command.object_type IN ('table', 'foreign table', 'table column')
    AND (SELECT c.relhassubclass
           OR CASE WHEN c.relhastriggers THEN (
                SELECT count(*) FROM pg_trigger t
                WHERE t.tgrelid = c.oid AND t.tgfoid = ANY (functions)
                  AND t.tgname IN ('hectic_set_updated_at', 'hectic_block_immutable_dml', 'hectic_block_immutable_truncate'))
              ELSE 0 END
           IS DISTINCT FROM
              CASE WHEN c.relispartition THEN 0
              ELSE coalesce(
                (SELECT CASE WHEN bool_or(p.parent = created_at) THEN
                          sum(CASE p.parent WHEN created_at THEN 0 WHEN updated_at THEN 1 WHEN immutable THEN 2 ELSE 9 END)
                        WHEN count(*) > 0 THEN 9 END
                 FROM hectic.parents(c.oid) AS p),
                CASE WHEN command.schema_name IN ('hectic', 'pg_temp') OR command.object_type = 'foreign table'
                       OR command.schema_name = ANY ((SELECT hectic.excluded_schemas())::text[]) THEN 0 END)
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
  exempt       constant text := ' To exempt a schema, list it in hectic.inheritance_extra_excluded_schemas, or in database.toml: '
    || 'inheritance_excluded_schemas = ["..."]. To make databases without this rule: bundle = "history" in database.toml.';
  lacking      oid[] := hectic.tables_without_created_at_now(touched, '{}');
  excluded     text[];
  already_lack oid[];
  offender     oid;
  relation     record;
BEGIN
  IF lacking = '{}' THEN
    RETURN;
  END IF;
  excluded := hectic.excluded_schemas();
  lacking  := hectic.tables_without_created_at_now(lacking, excluded);
  -- These statements make tables and alter none, so none of the tables lacked created_at before.
  already_lack := CASE WHEN tag IN ('CREATE TABLE', 'CREATE SCHEMA') THEN '{}'
                       ELSE hectic.tables_without_created_at(touched, excluded) END;
  FOREACH offender IN ARRAY lacking LOOP
    CONTINUE WHEN offender = ANY (already_lack);
    -- All event triggers call this function: the one that has the rule's name switches the rule.
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
                     END || exempt;
    END IF;
    RAISE EXCEPTION 'table %.% has no created_at column of its own',
        quote_ident(relation.schema_name), quote_ident(relation.table_name)
      USING ERRCODE = 'invalid_table_definition',
            SCHEMA = relation.schema_name, TABLE = relation.table_name,
            DETAIL = 'Partitioned and typed tables cannot inherit hectic.created_at.',
            HINT = 'Give it the column "created_at timestamptz NOT NULL DEFAULT now()".' || exempt;
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
             (to_regclass('hectic.immutable'), 'hectic_block_immutable_dml', to_regprocedure('hectic.block_immutable()'),
              'BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW'),
             (to_regclass('hectic.immutable'), 'hectic_block_immutable_truncate', to_regprocedure('hectic.block_immutable()'),
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

-- STABLE, to see what its caller sees: the state before the statement if the caller is STABLE, too.
CREATE OR REPLACE FUNCTION hectic.examine_tables(tag text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  touched constant oid[] := hectic.tables_to_examine();
BEGIN
  IF touched IS NOT NULL THEN
    PERFORM hectic.refuse_without_created_at(touched, tag);
    PERFORM hectic.sync_inherited_triggers(touched);
  END IF;
END
$function$;
COMMENT ON FUNCTION hectic.examine_tables(text) IS
  'In an event trigger: hectic.refuse_without_created_at and hectic.sync_inherited_triggers for the tables of the statement.';

CREATE OR REPLACE FUNCTION hectic.examine_copies_and_schemas(tag text) RETURNS void
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  PERFORM hectic.refuse_without_created_at(ARRAY(
    SELECT command.objid FROM pg_event_trigger_ddl_commands() AS command
    WHERE command.classid = 'pg_class'::regclass AND command.object_type = 'table'
    UNION
    -- a schema that is renamed may lose its exemption
    SELECT d.objid FROM pg_event_trigger_ddl_commands() AS command
    JOIN pg_depend d ON d.refclassid = command.classid AND d.refobjid = command.objid
    WHERE command.classid = 'pg_namespace'::regclass AND d.classid = 'pg_class'::regclass), tag);
END
$function$;
COMMENT ON FUNCTION hectic.examine_copies_and_schemas(text) IS
  'In an event trigger: hectic.refuse_without_created_at for the tables of the statement, or of the schema that it alters.';

-- Enforcement --------------------------------------------------------------------------------
-- The event trigger functions run with the rights of their owner: a role that makes a table needs
-- no rights on the schema hectic for them.
--
-- Nearly all statements obey the rule. So each function begins with a proof of that, as cheap as
-- PostgreSQL allows (docs/bundle-cost.md). Part of the proof are the counters of the rows that the
-- session has inserted, updated and deleted in each catalog, and of its scans. A session sends them
-- to the server between transactions, at most once a second, and begins at 0 again; a rollback does
-- not lower them. So 0 proves that the statement did nothing of this kind. More than 0 proves
-- nothing, and the tables are looked at. While track_counts is off, 0 proves nothing either.
--
-- A SET clause would cost as much as the proof. Instead, these functions and the two that
-- PostgreSQL puts into their queries qualify each name and each operator, so that no search_path
-- can exchange them. They compare with quoted literals, which take the type of the other side: for
-- two different types the parser would search for an operator.

-- The tables of CREATE TABLE are new, so they have no descendants and no triggers. If none has a
-- parent, it is enough that the schema is plainly excluded. Otherwise each table must be a
-- partition, or have hectic.created_at as its only parent, or have no parent in such a schema.
CREATE OR REPLACE FUNCTION hectic.examine_new_tables() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $function$
BEGIN
  IF pg_catalog.pg_stat_get_xact_tuples_inserted('pg_catalog.pg_inherits'::pg_catalog.regclass) OPERATOR(pg_catalog.=) '0'
     AND pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN
    PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
    WHERE NOT hectic.is_plainly_excluded(command.schema_name);
  ELSE
    PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
    LEFT JOIN LATERAL hectic.parents(command.objid) AS p ON true
    WHERE command.object_type OPERATOR(pg_catalog.=) ANY ('{table,foreign table}')
      AND (p.parent OPERATOR(pg_catalog.=) pg_catalog.to_regclass('hectic.created_at') OR p.of_partition
           OR p.parent IS NULL AND hectic.is_plainly_excluded(command.schema_name)) IS NOT TRUE;
  END IF;
  IF FOUND THEN
    PERFORM hectic.examine_tables(tg_tag);
  END IF;
END
$function$;
COMMENT ON FUNCTION hectic.examine_new_tables() IS
  'Event trigger: hectic.examine_tables after CREATE TABLE, unless the tables plainly obey the rule.';

-- ALTER TABLE can make a table break the rule, or change the triggers that it should have, only if
-- it does one of these things:
--   It begins or ends inheritance. For this, PostgreSQL scans pg_inherits by the index below (or
--     without it, if ignore_system_indexes is on) to find the place of the parent.
--   It moves the table to another schema, which updates the row type of the table in pg_type.
--   It removes a dependency (NOT OF).
--   It changes a column, which updates pg_attribute. A column that gets a default does, too, and
--     changes nothing else; there is a new row in pg_attrdef for each of these updates.
CREATE OR REPLACE FUNCTION hectic.examine_altered_tables() RETURNS event_trigger
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $function$
BEGIN
  IF pg_catalog.pg_stat_get_xact_numscans('pg_catalog.pg_inherits_relid_seqno_index'::pg_catalog.regclass)
       OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_numscans('pg_catalog.pg_inherits'::pg_catalog.regclass)
       OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_type'::pg_catalog.regclass)
       OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted('pg_catalog.pg_depend'::pg_catalog.regclass)
       OPERATOR(pg_catalog.=) '0'
     AND pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_attribute'::pg_catalog.regclass)
       OPERATOR(pg_catalog.=) pg_catalog.pg_stat_get_xact_tuples_inserted('pg_catalog.pg_attrdef'::pg_catalog.regclass)
     AND pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN
    RETURN;
  END IF;
  IF hectic.altered_tables_need_examination() THEN
    PERFORM hectic.examine_tables(tg_tag);
  END IF;
END
$function$;
COMMENT ON FUNCTION hectic.examine_altered_tables() IS
  'Event trigger: hectic.examine_tables after ALTER TABLE, unless the statement cannot have broken the rule.';

-- If no inheritance ended, a table needs the same triggers as before if it is a partition, has no
-- parent, or has hectic.created_at as its only parent. VOLATILE, to see the state after the
-- statement.
CREATE OR REPLACE FUNCTION hectic.altered_tables_need_examination() RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $function$
BEGIN
  IF pg_catalog.pg_stat_get_xact_tuples_deleted('pg_catalog.pg_inherits'::pg_catalog.regclass) OPERATOR(pg_catalog.=) '0'
     AND pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN
    PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
    LEFT JOIN LATERAL hectic.parents(command.objid) AS p ON true
    WHERE command.object_type OPERATOR(pg_catalog.=) ANY ('{table,foreign table,table column}')
      AND CASE WHEN p.parent IS NULL THEN NOT hectic.is_plainly_excluded(command.schema_name)
          ELSE (p.parent OPERATOR(pg_catalog.=) pg_catalog.to_regclass('hectic.created_at') OR p.of_partition) IS NOT TRUE END;
    RETURN FOUND;
  END IF;
  RETURN true;
END
$function$;
COMMENT ON FUNCTION hectic.altered_tables_need_examination() IS
  'In an event trigger after ALTER TABLE: can one of its tables owe created_at or a trigger?';

-- CREATE SCHEMA can make tables, and PostgreSQL then reports no other tag. Each new schema
-- invalidates the plans of all queries and expressions of functions, and to plan the smallest
-- expression again costs more than all the rest here. A check of a domain is not planned again. So
-- the function of the event trigger only declares a variable of a domain, and the check of the
-- domain is the proof: no row of pg_class is new. The domain is made anew each time, because a role
-- that owned it before could have changed it.
CREATE OR REPLACE FUNCTION hectic.examine_new_schema() RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  -- Is there anything besides the schema?
  PERFORM pg_event_trigger_ddl_commands() OFFSET 1;
  IF FOUND THEN
    PERFORM hectic.examine_tables('CREATE SCHEMA');
  END IF;
  RETURN true;
END
$function$;
COMMENT ON FUNCTION hectic.examine_new_schema() IS
  'In an event trigger after CREATE SCHEMA: hectic.examine_tables if the statement made more than the schema; always true.';

DROP DOMAIN IF EXISTS hectic.new_schema;
CREATE DOMAIN hectic.new_schema AS pg_catalog.int4
  CONSTRAINT examined CHECK (
    pg_catalog.pg_stat_get_xact_tuples_inserted('pg_catalog.pg_class'::pg_catalog.regclass) OPERATOR(pg_catalog.=) '0'
      AND pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on'
    OR hectic.examine_new_schema());
COMMENT ON CONSTRAINT examined ON DOMAIN hectic.new_schema IS
  'Calls hectic.examine_new_schema, which returns true or raises an error, if a table may be new.';
COMMENT ON DOMAIN hectic.new_schema IS
  'Its check calls hectic.examine_new_schema if the session may have made tables; no value breaks it.';

CREATE OR REPLACE FUNCTION hectic.examine_new_schemas() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $function$
DECLARE
  checked hectic.new_schema;
BEGIN
END
$function$;
COMMENT ON FUNCTION hectic.examine_new_schemas() IS
  'Event trigger: has the check of the domain hectic.new_schema run after CREATE SCHEMA.';

-- The tables of CREATE TABLE AS and SELECT INTO have no parents, and a schema that ALTER SCHEMA
-- names is in no schema.
CREATE OR REPLACE FUNCTION hectic.enforce_created_at_inheritance() RETURNS event_trigger
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $function$
BEGIN
  PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
  WHERE NOT hectic.is_plainly_excluded(command.schema_name);
  IF FOUND THEN
    PERFORM hectic.examine_copies_and_schemas(tg_tag);
  END IF;
END
$function$;
COMMENT ON FUNCTION hectic.enforce_created_at_inheritance() IS
  'Event trigger: hectic.examine_copies_and_schemas, unless the tables are in schemas that are plainly excluded.';

-- Gives triggers to tables that inherited before the event triggers existed.
DO $existing$
BEGIN
  PERFORM hectic.sync_inherited_triggers();
END
$existing$;

DO $event_triggers$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('hectic_enforce_created_at_inheritance', 'hectic.enforce_created_at_inheritance()', '{CREATE TABLE AS,SELECT INTO,ALTER SCHEMA}',
       'Every ordinary table inherits hectic.created_at. Disabled, it ends that rule for all statements.'),
      ('hectic_sync_inherited_triggers', 'hectic.examine_new_tables()', '{CREATE TABLE,CREATE FOREIGN TABLE}',
       'New tables inherit hectic.created_at, and get the triggers of hectic.updated_at and hectic.immutable with the inheritance.'),
      ('hectic_sync_altered_tables', 'hectic.examine_altered_tables()', '{ALTER TABLE,ALTER FOREIGN TABLE}',
       'Altered tables go on inheriting hectic.created_at, and their triggers follow the inheritance.'),
      ('hectic_sync_new_schemas', 'hectic.examine_new_schemas()', '{CREATE SCHEMA}',
       'Tables that CREATE SCHEMA makes are like other new tables.')
    ) AS v(name, function, tags, comment)
  LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_event_trigger e WHERE e.evtname = wanted.name);
    EXECUTE pg_catalog.format('CREATE EVENT TRIGGER %I ON ddl_command_end WHEN TAG IN (%s) EXECUTE FUNCTION %s', wanted.name,
      (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(tag), ', ') FROM pg_catalog.unnest(wanted.tags::text[]) AS tag),
      wanted.function);
    EXECUTE pg_catalog.format('COMMENT ON EVENT TRIGGER %I IS %L', wanted.name, wanted.comment);
  END LOOP;
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
