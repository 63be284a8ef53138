-- The beginning of a pulled patch file: the transaction, the settings with which the data was
-- written, and the procedures that load it. All of them disappear with the session.
--
-- Each table is copied into "pulled", a temporary table with the pulled columns. Then the rows with
-- pulled keys are deleted, and the rows of "pulled" are inserted; a table without a key is emptied
-- first. Objects that would prevent this are set aside meanwhile (file-aside.sql). When all tables
-- are loaded, each is compared with the pulled rows.
--
-- Rows are written under the search_path of the role and the database, because functions of users
-- need it. The procedures have a search_path of their own, so that they never use operators or
-- types of users.
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
-- until rows are written
SET LOCAL search_path = pg_catalog;

-- Raises an error about a missing row, with a hint.
CREATE OR REPLACE PROCEDURE pg_temp.pull_dangling(message text, detail text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
BEGIN
  RAISE EXCEPTION USING MESSAGE = message, DETAIL = detail, ERRCODE = 'foreign_key_violation',
    HINT = 'Rows that pulled rows refer to were not pulled: pull with --closure, or more tables or rows.';
END
$procedure$;

-- The columns of a table that can be loaded.
CREATE OR REPLACE FUNCTION pg_temp.pull_columns(relation text) RETURNS text[] LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $function$
  SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a
               WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
$function$;

-- Reports the differences between the table here and the one on staging. An unknown type is empty.
CREATE OR REPLACE PROCEDURE pg_temp.pull_differences(relation text, columns text[], types text[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
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

-- Makes "pulled" for a table. It accepts columns that the table here does not have; they are
-- ignored later.
CREATE OR REPLACE PROCEDURE pg_temp.pull_open(relation text, columns text[], types text[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
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

-- Builds the condition that row t has the key of row p, with the operators of the unique index.
CREATE OR REPLACE FUNCTION pg_temp.pull_same(relation text, key text[]) RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $function$
  SELECT string_agg(format('t.%1$I OPERATOR(%2$I.%3$s) p.%1$I', k.name, COALESCE(equal.nspname, 'pg_catalog'), COALESCE(equal.oprname, '=')), ' AND ' ORDER BY k.place)
  FROM unnest(key) WITH ORDINALITY AS k(name, place)
  LEFT JOIN LATERAL (
    SELECT n.nspname, o.oprname
    FROM pg_attribute a JOIN pg_opclass c ON c.opcdefault AND c.opcintype = a.atttypid
      OR c.oid IN (SELECT x.class
                   FROM pg_index i CROSS JOIN LATERAL ROWS FROM (unnest(i.indkey::smallint[]), unnest(i.indclass::oid[])) AS x(attnum, class)
                   WHERE i.indrelid = a.attrelid AND i.indisunique AND x.attnum = a.attnum)
    JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
    JOIN pg_am w ON w.oid = c.opcmethod AND w.amname = 'btree'
    JOIN pg_operator o ON o.oid = m.amopopr
    JOIN pg_namespace n ON n.oid = o.oprnamespace
    WHERE a.attrelid = relation::regclass AND a.attname = k.name
    ORDER BY c.opcdefault, c.oid
    LIMIT 1) AS equal ON true
$function$;

-- Moves the rows of "pulled" into the table. Their number must be as expected. With keep, existing
-- rows stay unchanged.
CREATE OR REPLACE PROCEDURE pg_temp.pull_close(relation text, key text[], expected bigint, keep boolean) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  target text := (SELECT CASE c.relkind WHEN 'p' THEN relation ELSE 'ONLY ' || relation END FROM pg_class c WHERE c.oid = relation::regclass);
  shared text;
  own_row text;
  pulled_row text;
  same_key text := pg_temp.pull_same(relation, key);
  statement text;
  name text;
  found bigint;
  message text;
  detail text;
BEGIN
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
    -- an earlier part of the file may contain rows of the same table
    FOR name IN SELECT d.rows FROM pg_temp.pulled_done d WHERE d.relation = pull_close.relation LOOP
      EXECUTE format('DELETE FROM pg_temp.%I t USING pg_temp.pulled p WHERE %s', name, same_key);
    END LOOP;
    EXECUTE CASE WHEN key = '{}' THEN format('DELETE FROM %s', target)
                 ELSE format('DELETE FROM %s t USING pg_temp.pulled p WHERE %s', target, same_key) END;
  END IF;
  -- a table may have no columns
  statement := format('INSERT INTO %s %s OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.pulled%s',
                      relation, '(' || shared || ')', shared, CASE WHEN keep THEN ' ON CONFLICT DO NOTHING' ELSE '' END);
  SET LOCAL search_path TO DEFAULT;
  EXECUTE statement;
  SET LOCAL search_path = pg_catalog, pg_temp;
  IF NOT keep THEN
    name := (SELECT 'pulled_' || count(*) FROM pg_temp.pulled_done);
    EXECUTE format('ALTER TABLE pg_temp.pulled RENAME TO %I', name);
    INSERT INTO pg_temp.pulled_done VALUES (relation, target, name, same_key, own_row, pulled_row);
  END IF;
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  CALL pg_temp.pull_dangling(message, detail);
END
$procedure$;

-- Compares every table with the pulled rows, after all rows are written.
CREATE OR REPLACE PROCEDURE pg_temp.pull_compare() LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  done record;
  expected bigint;
  missing bigint;
BEGIN
  FOR done IN TABLE pg_temp.pulled_done LOOP
    EXECUTE format('SELECT count(*) FROM pg_temp.%I', done.rows) INTO expected;
    EXECUTE format(CASE WHEN done.same_key IS NULL
      THEN 'SELECT count(*) FROM (SELECT ROW(%1$s)::text FROM pg_temp.%2$I p EXCEPT ALL SELECT ROW(%3$s)::text FROM %4$s t) AS missing'
      ELSE 'SELECT count(*) FROM pg_temp.%2$I p WHERE NOT EXISTS (SELECT FROM %4$s t WHERE %5$s AND ROW(%1$s)::text = ROW(%3$s)::text)' END,
      done.pulled_row, done.rows, done.own_row, done.target, done.same_key) INTO missing;
    IF missing > 0 THEN
      RAISE EXCEPTION 'table %: of % pulled rows only % are in the table as they were pulled', done.relation, expected, expected - missing
        USING ERRCODE = 'data_corrupted', HINT = 'Look for a trigger or a rule that changes rows of the table.';
    END IF;
  END LOOP;
END
$procedure$;

-- Sets the sequence of a column to its position on staging. A sequence that only the text of a
-- function names never gets a lower value: other tables here may use it, and no catalog lists them.
CREATE OR REPLACE PROCEDURE pg_temp.pull_sequence(relation text, column_name text, sequence text, only_named boolean, last bigint, called boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  place smallint := (SELECT a.attnum FROM pg_attribute a
                     WHERE a.attrelid = relation::regclass AND a.attname = column_name AND NOT a.attisdropped);
  same regclass := (SELECT s.seqrelid FROM pg_sequence s WHERE s.seqrelid = to_regclass(pull_sequence.sequence));
  own regclass := CASE WHEN only_named THEN same ELSE COALESCE(
    (SELECT u.sequence FROM pg_temp.pulled_user u WHERE u.relation = pull_sequence.relation::regclass AND u.attnum = place
     ORDER BY u.sequence = same DESC NULLS LAST, u.sequence LIMIT 1), same) END;
  ahead boolean := false;
BEGIN
  IF own IS NULL AND only_named THEN
    RAISE WARNING 'table %: sequence %, which it uses on staging, is not here', relation, sequence;
    RETURN;
  ELSIF own IS NULL THEN
    RAISE WARNING 'table %: column % has no sequence here', relation, column_name;
    RETURN;
  END IF;
  IF only_named THEN
    EXECUTE format('SELECT (s.last_value::numeric - $1) * sign(q.seqincrement) > 0 OR s.last_value = $1 AND s.is_called
                    FROM %s AS s, pg_sequence AS q WHERE q.seqrelid = $2', own)
      INTO ahead USING last, own;
  END IF;
  IF NOT ahead THEN
    PERFORM setval(own, last, called);
  END IF;
  INSERT INTO pg_temp.pulled_user SELECT own, relation::regclass, place WHERE place IS NOT NULL;
END
$procedure$;

-- Sets the sequences of the tables beyond all existing values in the columns that they number.
CREATE OR REPLACE PROCEDURE pg_temp.pull_ahead(tables text[]) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  own record;
  ahead bigint;
  next numeric;
BEGIN
  FOR own IN
    SELECT DISTINCT s.seqrelid::regclass AS sequence, s.seqincrement AS step, s.seqmin AS low, s.seqmax AS high,
           u.relation::regclass AS relation, a.attname AS name
    FROM pg_temp.pulled_user u JOIN pg_sequence s ON s.seqrelid = u.sequence
    JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.attnum
    WHERE u.sequence IN (SELECT o.sequence FROM pg_temp.pulled_user o WHERE o.relation = ANY (tables::regclass[]))
      -- a sequence that begins anew may be behind its column
      AND NOT s.seqcycle
      AND has_table_privilege(u.relation, 'SELECT')
      AND (WITH RECURSIVE base(oid) AS (
             SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typbasetype <> 0)
           SELECT bool_or(b.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)) FROM base b)
  LOOP
    EXECUTE format('SELECT %1$s(%2$I)::bigint FROM %3$s WHERE %2$I BETWEEN %4$s AND %5$s',
                   CASE WHEN own.step > 0 THEN 'max' ELSE 'min' END, own.name, own.relation, own.low, own.high) INTO ahead;
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value::numeric + %s ELSE last_value END FROM %s', own.step, own.sequence) INTO next;
    IF (ahead - next) * sign(own.step) >= 0 THEN
      PERFORM setval(own.sequence, ahead, true);
    END IF;
  END LOOP;
END
$procedure$;
