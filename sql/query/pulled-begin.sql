-- How a patch that was pulled begins: the transaction, the settings that its data was written with, and
-- what its tables are loaded with. Everything here is gone with the session.
--
-- Each table is copied into "pulled", a temporary table of the columns that were pulled. Then the rows
-- with the pulled keys are deleted and those of "pulled" inserted; a table without a key is emptied.
-- Foreign keys to pulled tables would forbid that, or delete other rows with the deleted: they are
-- set aside, and come back, checked, before anything is committed.
BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL xmloption = 'content';
SET LOCAL xmlbinary = 'base64';
SET LOCAL lc_monetary = 'C';
SET LOCAL statement_timeout = 0;
SET LOCAL search_path = pg_catalog;

-- Says of a row that is missing what to do about it.
CREATE OR REPLACE PROCEDURE pg_temp.pull_dangling(message text, detail text) LANGUAGE plpgsql AS $procedure$
BEGIN
  RAISE EXCEPTION USING MESSAGE = message, DETAIL = detail, ERRCODE = 'foreign_key_violation',
    HINT = 'Rows that pulled rows refer to were not pulled: pull with --closure, or more tables or rows.';
END
$procedure$;

-- Sets aside the foreign keys that refer to these tables.
CREATE OR REPLACE PROCEDURE pg_temp.pull_begin(tables text[]) LANGUAGE plpgsql AS $procedure$
DECLARE
  wanted text;
  late record;
BEGIN
  FOREACH wanted IN ARRAY tables LOOP
    IF to_regclass(wanted) IS NULL THEN
      RAISE EXCEPTION 'table % was pulled and is not in this database', wanted
        USING ERRCODE = 'undefined_table', HINT = 'Hydrate or migrate first, or leave the table out of STAGING_DUMP_TABLES.';
    END IF;
  END LOOP;
  CREATE TEMP TABLE pulled_late ON COMMIT DROP AS
    SELECT c.conrelid::regclass::text AS relation, c.conname::text AS name,
           pg_get_constraintdef(c.oid) AS definition, obj_description(c.oid, 'pg_constraint') AS remark
    FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0
      AND (c.confrelid = ANY (tables::regclass[]::oid[]) OR EXISTS (
        SELECT FROM pg_partition_ancestors(c.confrelid) AS a(whole) WHERE a.whole = ANY (tables::regclass[])));
  FOR late IN TABLE pg_temp.pulled_late LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', late.relation, late.name);
  END LOOP;
END
$procedure$;

-- The columns of a table that can be loaded.
CREATE OR REPLACE FUNCTION pg_temp.pull_columns(relation text) RETURNS text[] LANGUAGE sql AS $function$
  SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a
               WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
$function$;

-- Tells in what a table differs here. A type that is not known is empty.
CREATE OR REPLACE PROCEDURE pg_temp.pull_differences(relation text, columns text[], types text[]) LANGUAGE plpgsql AS $procedure$
DECLARE
  own text[] := pg_temp.pull_columns(relation);
  needed text;
  converted text;
BEGIN
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO needed
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
    AND NOT a.atthasdef AND a.attidentity = '' AND t.typdefault IS NULL AND a.attname <> ALL (columns);
  IF needed IS NOT NULL THEN
    RAISE EXCEPTION 'table % has columns without a default that must not be null and were not pulled: %', relation, needed
      USING ERRCODE = 'not_null_violation', HINT = 'Give the column a default, or bring staging to the same migration.';
  END IF;
  IF NOT columns <@ own THEN
    RAISE WARNING 'table %: only on staging, left out: %', relation,
      (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) AS c WHERE c <> ALL (own));
  END IF;
  IF NOT own <@ columns THEN
    RAISE WARNING 'table %: only here, by default: %', relation,
      (SELECT string_agg(quote_ident(c), ', ') FROM unnest(own) AS c WHERE c <> ALL (columns));
  END IF;
  SELECT string_agg(format('%I (%s, there %s)', c.name, format_type(a.atttypid, a.atttypmod), c.type), ', ' ORDER BY a.attnum) INTO converted
  FROM unnest(columns, types) AS c(name, type)
  JOIN pg_attribute a ON a.attrelid = relation::regclass AND a.attname = c.name AND NOT a.attisdropped AND a.attgenerated = ''
  WHERE c.type NOT IN ('', format_type(a.atttypid, a.atttypmod));
  IF converted IS NOT NULL THEN
    RAISE WARNING 'table %: of another type than on staging, so that values are not compared: %', relation, converted;
  END IF;
END
$procedure$;

-- Makes "pulled" for a table. A column that is not here is taken and left out.
CREATE OR REPLACE PROCEDURE pg_temp.pull_open(relation text, columns text[], types text[]) LANGUAGE plpgsql AS $procedure$
DECLARE
  definition text;
BEGIN
  CALL pg_temp.pull_differences(relation, columns, types);
  IF to_regclass('pg_temp.pulled') IS NOT NULL THEN
    DROP TABLE pg_temp.pulled;
  END IF;
  SELECT string_agg(format('%I %s', c.name, COALESCE(format_type(a.atttypid, a.atttypmod), 'text')), ', ' ORDER BY c.place)
    INTO definition
  FROM unnest(columns) WITH ORDINALITY AS c(name, place)
  LEFT JOIN pg_attribute a ON a.attrelid = relation::regclass AND a.attname = c.name AND NOT a.attisdropped AND a.attgenerated = '';
  EXECUTE format('CREATE TEMP TABLE pulled (%s) ON COMMIT DROP', COALESCE(definition, ''));
END
$procedure$;

-- Moves the rows of "pulled" into the table and compares: $3 is how many they have to be. With keep, rows
-- that are there stay as they are.
CREATE OR REPLACE PROCEDURE pg_temp.pull_close(relation text, key text[], expected bigint, keep boolean) LANGUAGE plpgsql AS $procedure$
DECLARE
  target text := relation;
  shared text;
  same_key text := (SELECT string_agg(format('t.%I = p.%1$I', k), ' AND ') FROM unnest(key) AS k);
  own_row text;
  pulled_row text;
  found bigint;
  message text;
  detail text;
BEGIN
  IF (SELECT c.relkind FROM pg_class c WHERE c.oid = relation::regclass) <> 'p' THEN
    target := 'ONLY ' || relation;
  END IF;
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY p.attnum), string_agg('t.' || quote_ident(a.attname), ', ' ORDER BY p.attnum),
         string_agg('p.' || quote_ident(a.attname), ', ' ORDER BY p.attnum) INTO shared, own_row, pulled_row
  FROM pg_attribute p JOIN pg_attribute a ON a.attname = p.attname
  WHERE p.attrelid = 'pg_temp.pulled'::regclass AND p.attnum > 0
    AND a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
  SELECT count(*) INTO found FROM pg_temp.pulled;
  IF found <> expected THEN
    RAISE EXCEPTION 'table %: % rows were pulled, % are in this file', relation, expected, found
      USING ERRCODE = 'data_corrupted', HINT = 'Pull again.';
  END IF;
  IF NOT keep THEN
    EXECUTE CASE WHEN key = '{}' THEN format('DELETE FROM %s', target)
                 ELSE format('DELETE FROM %s t USING pg_temp.pulled p WHERE %s', target, same_key) END;
  END IF;
  -- a table may have no column
  EXECUTE format('INSERT INTO %s %s OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.pulled%s',
                 relation, '(' || shared || ')', shared, CASE WHEN keep THEN ' ON CONFLICT DO NOTHING' ELSE '' END);
  IF NOT keep THEN
    EXECUTE CASE WHEN key = '{}'
      THEN format('SELECT count(*) - (SELECT count(*) FROM (SELECT ROW(%s)::text FROM pg_temp.pulled p
                   EXCEPT ALL SELECT ROW(%s)::text FROM %s t) AS missing) FROM pg_temp.pulled', pulled_row, own_row, target)
      ELSE format('SELECT count(*) FROM pg_temp.pulled p JOIN %s t ON %s WHERE ROW(%s)::text = ROW(%s)::text',
                  target, same_key, pulled_row, own_row) END INTO found;
    IF found <> expected THEN
      RAISE EXCEPTION 'table %: of % pulled rows only % are in the table as they were pulled', relation, expected, found
        USING ERRCODE = 'data_corrupted', HINT = 'Look for a trigger or a rule of the table that changes rows.';
    END IF;
  END IF;
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  CALL pg_temp.pull_dangling(message, detail);
END
$procedure$;

-- Brings the foreign keys back, which checks every row.
CREATE OR REPLACE PROCEDURE pg_temp.pull_end() LANGUAGE plpgsql AS $procedure$
DECLARE
  late record;
  message text;
  detail text;
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  FOR late IN TABLE pg_temp.pulled_late LOOP
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', late.relation, late.name, late.definition);
    IF late.remark IS NOT NULL THEN
      EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', late.name, late.relation, late.remark);
    END IF;
  END LOOP;
  DROP TABLE pg_temp.pulled_late;
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  CALL pg_temp.pull_dangling(message, detail);
END
$procedure$;

-- Sets the sequence of a column as it was on staging, but never behind a row that is here.
CREATE OR REPLACE PROCEDURE pg_temp.pull_sequence(relation text, column_name text, sequence text, last bigint, called boolean)
LANGUAGE plpgsql AS $procedure$
DECLARE
  own regclass := COALESCE(to_regclass(sequence), to_regclass(pg_get_serial_sequence(relation, column_name)));
  ahead bigint;
BEGIN
  IF own IS NULL THEN
    RAISE WARNING 'table %: column % has no sequence here', relation, column_name;
    RETURN;
  END IF;
  IF (SELECT s.seqincrement > 0 FROM pg_sequence s WHERE s.seqrelid = own) AND EXISTS (
       SELECT FROM pg_attribute a WHERE a.attrelid = relation::regclass AND a.attname = column_name AND NOT a.attisdropped
         AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) THEN
    EXECUTE format('SELECT max(%I) FROM %s', column_name, relation) INTO ahead;
  END IF;
  IF ahead > last OR ahead = last AND NOT called THEN
    PERFORM setval(own, ahead, true);
  ELSE
    PERFORM setval(own, last, called);
  END IF;
END
$procedure$;

-- Sets the sequences of columns that have none on staging ahead of every row that is here.
CREATE OR REPLACE PROCEDURE pg_temp.pull_ahead(tables text[]) LANGUAGE plpgsql AS $procedure$
DECLARE
  own record;
  ahead bigint;
  next bigint;
BEGIN
  FOR own IN
    SELECT s.seqrelid::regclass AS sequence, s.seqincrement AS step, a.attrelid::regclass AS relation, a.attname AS name
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      AND d.refobjid = ANY (tables::regclass[]::oid[]) AND s.seqincrement > 0
      AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  LOOP
    EXECUTE format('SELECT max(%I) FROM %s', own.name, own.relation) INTO ahead;
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value + %s ELSE last_value END FROM %s', own.step, own.sequence) INTO next;
    IF ahead >= next THEN
      PERFORM setval(own.sequence, ahead, true);
    END IF;
  END LOOP;
END
$procedure$;
