-- These procedures set aside objects that would prevent the loading of rows, and restore them
-- before the transaction commits:
--
-- - Foreign keys to the tables: they would forbid the exchange of rows, or delete other rows. When
-- they come back, the server checks them.
-- - Constraints that are not valid, which older rows need not fulfil, and checks whose functions
-- may read other tables, which may be loaded later. They come back unchanged; valid ones are
-- checked again.
-- - Triggers and rules of users: the pulled rows already contain their effects on staging.
CREATE TEMP TABLE pulled_late (step int, place bigint, away text, back text) ON COMMIT DROP;
CREATE TEMP TABLE pulled_done (relation text, target text, rows text, same_key text, own_row text, pulled_row text) ON COMMIT DROP;
CREATE TEMP TABLE pulled_user (sequence oid, relation oid, attnum smallint) ON COMMIT DROP;

-- Restores the comment of a constraint.
CREATE OR REPLACE FUNCTION pg_temp.pull_remark(of oid, owner text) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $function$
  SELECT COALESCE((SELECT format('; COMMENT ON CONSTRAINT %I ON %s IS %L', c.conname, owner, obj_description(c.oid, 'pg_constraint'))
                   FROM pg_constraint c WHERE c.oid = of AND obj_description(c.oid, 'pg_constraint') IS NOT NULL), '')
$function$;

-- Finds foreign keys, and constraints of domains.
CREATE OR REPLACE PROCEDURE pg_temp.pull_find_keys(parts oid[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  whole oid[] := ARRAY(SELECT p.oid FROM unnest(parts) AS p(oid)
                       UNION SELECT a.relid::oid FROM unnest(parts) AS p(oid), pg_partition_ancestors(p.oid) AS a(relid));
BEGIN
  INSERT INTO pg_temp.pulled_late
  SELECT 3, 0, format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname),
         format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
           || pg_temp.pull_remark(c.oid, c.conrelid::regclass::text)
  FROM pg_constraint c
  WHERE c.contype = 'f' AND c.conparentid = 0
    AND (c.confrelid = ANY (whole) OR NOT c.convalidated AND c.conrelid = ANY (whole));
  -- since PostgreSQL 18, a partition may have a valid constraint where its table has not
  INSERT INTO pg_temp.pulled_late
  WITH RECURSIVE key AS (
    SELECT c.oid, c.conrelid, c.conname, c.convalidated FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT c.convalidated AND (c.confrelid = ANY (whole) OR c.conrelid = ANY (whole))
    UNION ALL
    SELECT c.oid, c.conrelid, k.conname, c.convalidated FROM key k JOIN pg_constraint c ON c.conparentid = k.oid AND c.conrelid <> k.conrelid
  )
  SELECT 4, 0, NULL, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname) FROM key k WHERE k.convalidated;
  INSERT INTO pg_temp.pulled_late
  SELECT 1, 0, format('ALTER DOMAIN %s DROP CONSTRAINT %I', c.contypid::regtype, c.conname),
         format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', c.contypid::regtype, c.conname, pg_get_constraintdef(c.oid))
           || pg_temp.pull_remark(c.oid, 'DOMAIN ' || c.contypid::regtype)
  FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid
  WHERE NOT c.convalidated AND pg_has_role(t.typowner, 'USAGE');
END
$procedure$;

-- Finds checks and NOT NULL constraints, together with those of parents and children: dropping a
-- constraint of a parent drops it in the children, and adding it restores both.
CREATE OR REPLACE PROCEDURE pg_temp.pull_find_checks(parts oid[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  own record;
BEGIN
  FOR own IN
    WITH RECURSIVE rule AS (
      SELECT c.oid, c.conrelid, c.contype, c.conname, c.conislocal, c.convalidated,
             CASE c.contype WHEN 'n' THEN (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1])
                            ELSE c.conname END AS name
      FROM pg_constraint c
      -- constraints that are not enforced, since PostgreSQL 18, prevent nothing
      WHERE c.contype IN ('c', 'n') AND c.conrelid <> 0 AND (c.convalidated OR to_jsonb(c) ->> 'conenforced' IS DISTINCT FROM 'false')
    ),
    aside AS (
      SELECT r.* FROM rule r JOIN pg_class t ON t.oid = r.conrelid
      WHERE r.conrelid = ANY (parts) AND pg_has_role(t.relowner, 'USAGE')
        AND (NOT r.convalidated OR r.contype = 'c' AND EXISTS (
          SELECT FROM pg_depend d JOIN pg_proc f ON f.oid = d.refobjid JOIN pg_language l ON l.oid = f.prolang
          WHERE d.classid = 'pg_constraint'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
            AND f.provolatile <> 'i' AND l.lanname NOT IN ('c', 'internal')))
      UNION
      SELECT r.* FROM aside a JOIN pg_inherits i ON a.conrelid IN (i.inhrelid, i.inhparent)
      JOIN rule r ON r.conrelid IN (i.inhrelid, i.inhparent) AND r.conrelid <> a.conrelid AND r.contype = a.contype AND r.name = a.name
    )
    SELECT a.*, (WITH RECURSIVE up(oid) AS (
                   SELECT a.conrelid UNION SELECT i.inhparent FROM up u JOIN pg_inherits i ON i.inhrelid = u.oid)
                 SELECT count(*) FROM up) AS depth
    FROM aside a
  LOOP
    IF own.conislocal THEN
      -- Dropping the constraint of a parent drops the inherited ones; adding it again adopts a
      -- child's own one.
      INSERT INTO pg_temp.pulled_late
      VALUES (1, own.depth, format('ALTER TABLE %s DROP CONSTRAINT %I', own.conrelid::regclass, own.conname), NULL),
             (2, -own.depth, NULL, format('ALTER TABLE %s ADD CONSTRAINT %I %s', own.conrelid::regclass, own.conname,
                                          regexp_replace(pg_get_constraintdef(own.oid), ' NOT VALID$', '') || ' NOT VALID'));
    END IF;
    INSERT INTO pg_temp.pulled_late
    SELECT 4, own.depth, NULL, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', own.conrelid::regclass, own.conname) WHERE own.convalidated
    UNION ALL
    SELECT 5, 0, NULL, substr(remark, 3) FROM pg_temp.pull_remark(own.oid, own.conrelid::regclass::text) AS remark WHERE remark <> '';
  END LOOP;
END
$procedure$;

-- Finds triggers and rules, except those of tables that another role owns.
CREATE OR REPLACE PROCEDURE pg_temp.pull_find_triggers(parts oid[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT f.relation::regclass AS relation, string_agg(format('%s %I', f.kind, f.name), ', ' ORDER BY f.kind, f.name) AS names,
           string_agg(format('DISABLE %s %I', f.kind, f.name), ', ') AS away,
           string_agg(format('ENABLE%s %s %I', CASE f.state WHEN 'A' THEN ' ALWAYS' END, f.kind, f.name), ', ') AS back
    FROM (SELECT t.tgrelid, 'TRIGGER', t.tgname, t.tgenabled FROM pg_trigger t WHERE NOT t.tgisinternal
          UNION ALL
          SELECT r.ev_class, 'RULE', r.rulename, r.ev_enabled FROM pg_rewrite r) AS f(relation, kind, name, state)
    WHERE f.relation = ANY (parts) AND f.state IN ('O', 'A')
    GROUP BY f.relation
  LOOP
    IF pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = own.relation), 'USAGE') THEN
      INSERT INTO pg_temp.pulled_late
      VALUES (1, 0, format('ALTER TABLE ONLY %s %s', own.relation, own.away), format('ALTER TABLE ONLY %s %s', own.relation, own.back));
    ELSE
      RAISE WARNING 'table %: only its owner can disable what fires while rows are loaded: %', own.relation, own.names;
    END IF;
  END LOOP;
END
$procedure$;

-- Sets aside the objects that prevent the loading of these tables.
CREATE OR REPLACE PROCEDURE pg_temp.pull_begin(tables text[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  wanted text;
  parts oid[];
  late record;
BEGIN
  FOREACH wanted IN ARRAY tables LOOP
    IF to_regclass(wanted) IS NULL THEN
      RAISE EXCEPTION 'table % was pulled and is not in this database', wanted
        USING ERRCODE = 'undefined_table', HINT = 'Hydrate or migrate first, or leave the table out of STAGING_DUMP_TABLES.';
    END IF;
  END LOOP;
  parts := ARRAY(SELECT t.oid::oid FROM unnest(tables::regclass[]) AS t(oid)
                 UNION SELECT p.relid::oid FROM unnest(tables::regclass[]) AS t(oid), pg_partition_tree(t.oid) AS p);
  CALL pg_temp.pull_find_keys(parts);
  CALL pg_temp.pull_find_checks(parts);
  CALL pg_temp.pull_find_triggers(parts);
  CALL pg_temp.pull_find_sequences();
  FOR late IN SELECT l.away FROM pg_temp.pulled_late l WHERE l.away IS NOT NULL ORDER BY l.step, l.place LOOP
    EXECUTE late.away;
  END LOOP;
END
$procedure$;

-- Restores the objects, which makes the server check every row, and compares the tables.
CREATE OR REPLACE PROCEDURE pg_temp.pull_end() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $procedure$
DECLARE
  late record;
  message text;
  detail text;
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  FOR late IN SELECT l.step, l.back FROM pg_temp.pulled_late l WHERE l.back IS NOT NULL ORDER BY l.step, l.place LOOP
    IF late.step = 4 THEN
      -- a function that a check calls needs its usual search path
      SET LOCAL search_path TO DEFAULT;
      EXECUTE late.back;
      SET LOCAL search_path = pg_catalog, pg_temp;
    ELSE
      EXECUTE late.back;
    END IF;
  END LOOP;
  CALL pg_temp.pull_compare();
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  CALL pg_temp.pull_dangling(message, detail);
END
$procedure$;

-- Finds the columns that take values from a sequence, because they own it or because a default
-- names it.
CREATE OR REPLACE PROCEDURE pg_temp.pull_find_sequences() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
BEGIN
  INSERT INTO pg_temp.pulled_user
  WITH RECURSIVE expression(relation, attnum, classid, objid) AS (
    SELECT f.adrelid, f.adnum, 'pg_attrdef'::regclass::oid, f.oid FROM pg_attrdef f
    UNION
    SELECT a.attrelid, a.attnum, 'pg_type'::regclass, a.atttypid FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef AND t.typtype = 'd' AND t.typdefault IS NOT NULL
    UNION
    SELECT e.relation, e.attnum, d.refclassid, d.refobjid
    FROM expression e JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid WHERE d.refclassid = 'pg_proc'::regclass
  )
  SELECT d.refobjid, e.relation, e.attnum FROM expression e JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid
  JOIN pg_sequence s ON s.seqrelid = d.refobjid WHERE d.refclassid = 'pg_class'::regclass
  UNION
  SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0;
END
$procedure$;
