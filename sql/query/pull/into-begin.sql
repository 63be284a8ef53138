-- The procedures that a pull into the database needs in addition to file-begin.sql: a faster way
-- for empty tables.
--
-- If nothing would change a row on its way, rows are copied into the table directly. Meanwhile,
-- indexes are set aside if they can be made again exactly and if no constraint needs them.
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL default_tablespace = '';
CREATE TEMP TABLE pulled_index (relation text, definition text, name text, remark text) ON COMMIT DROP;

-- Prepares a table for a direct COPY. Returns the options of COPY, or NULL if a direct COPY is
-- impossible. With FREEZE, which needs a table file made in this transaction, later VACUUMs need
-- not rewrite the rows.
CREATE OR REPLACE FUNCTION pg_temp.pull_direct(relation text, columns text[], types text[]) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  plain boolean := (SELECT c.relkind = 'r' FROM pg_class c WHERE c.oid = relation::regclass);
  parts regclass[] := relation::regclass || ARRAY(SELECT p.relid FROM pg_partition_tree(relation) AS p WHERE p.level > 0);
  only_own text := (SELECT CASE c.relkind WHEN 'p' THEN relation ELSE 'ONLY ' || relation END FROM pg_class c WHERE c.oid = relation::regclass);
  filled boolean;
  late record;
BEGIN
  -- from here on, nobody else can add rows
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', only_own);
  EXECUTE format('SELECT EXISTS (SELECT FROM %s)', only_own) INTO filled;
  IF filled OR columns = '{}' OR NOT columns <@ pg_temp.pull_columns(relation) OR row_security_active(relation::regclass::oid)
     OR EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY (parts) AND c.relkind = 'f')
     OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = ANY (parts) AND r.ev_enabled IN ('O', 'A'))
     OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY (parts) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 4 <> 0) THEN
    RETURN NULL;
  END IF;
  CALL pg_temp.pull_differences(relation, columns, types);
  FOR late IN
    INSERT INTO pg_temp.pulled_index
    SELECT relation, pg_get_indexdef(i.indexrelid), i.indexrelid::regclass::text, obj_description(i.indexrelid, 'pg_class')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = relation::regclass AND c.relkind = 'i' AND NOT c.relispartition AND c.reltablespace = 0
      AND i.indisvalid AND i.indisready AND i.indislive AND NOT i.indisprimary AND NOT i.indisexclusion AND NOT i.indisclustered AND NOT i.indisreplident
      AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indexrelid)
      -- a user's function may see another search path while an index is made than while rows are
      -- written
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                        AND (d.deptype NOT IN ('a', 'n') OR d.refclassid = 'pg_proc'::regclass))
    RETURNING name
  LOOP
    EXECUTE format('DROP INDEX %s', late.name);
  END LOOP;
  IF plain AND has_table_privilege(relation::regclass::oid, 'TRUNCATE')
     AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = relation::regclass AND t.tgenabled IN ('O', 'A') AND t.tgtype & 32 <> 0) THEN
    EXECUTE format('TRUNCATE %s', only_own);
    RETURN '(FREEZE)';
  END IF;
  RETURN '';
END
$function$;

-- Makes the indexes again that were set aside for a table.
CREATE OR REPLACE PROCEDURE pg_temp.pull_indexes(wanted text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $procedure$
DECLARE
  late record;
BEGIN
  FOR late IN SELECT i.definition, i.name, i.remark FROM pg_temp.pulled_index i WHERE i.relation = wanted LOOP
    EXECUTE late.definition;
    IF late.remark IS NOT NULL THEN
      EXECUTE format('COMMENT ON INDEX %s IS %L', late.name, late.remark);
    END IF;
  END LOOP;
END
$procedure$;
