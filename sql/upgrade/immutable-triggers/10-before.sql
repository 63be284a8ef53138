-- From any version from 0.2.0 to 0.5.1: the two triggers of an immutable table had other names. Each
-- gets the name of the shell tools and stays as it is, disabled or not. A temporary table of another
-- session is out of reach and keeps the old names; its triggers work as before.

DO $immutable$
DECLARE
  old record;
BEGIN
  FOR old IN
    SELECT t.tgname, t.tgrelid::pg_catalog.regclass AS relation, renamed.new_name
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN (VALUES ('hectic_block_immutable_rows', 'hectic_block_immutable_dml'),
                 ('hectic_block_immutable_statements', 'hectic_block_immutable_truncate'))
      AS renamed(old_name, new_name) ON renamed.old_name = t.tgname
    WHERE t.tgfoid = pg_catalog.to_regprocedure('hectic.block_immutable()') AND NOT t.tgisinternal
      AND NOT pg_catalog.pg_is_other_temp_schema(c.relnamespace)
  LOOP
    EXECUTE pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO %I', old.tgname, old.relation, old.new_name);
  END LOOP;
END
$immutable$;
