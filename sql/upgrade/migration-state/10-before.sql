-- From any version from 0.3.0 to 0.5.1: the table of states was called hectic.migration, which is a
-- view of the applied migrations now. The table keeps its rows, its privileges and whatever depends
-- on it. Its constraints get the names that the bundle gives them. The histories of 0.1.0 and 0.2.0
-- have another shape and other names by now.

DO $state$
DECLARE
  old name;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'applied_event'
                 WHERE c.oid = pg_catalog.to_regclass('hectic.migration') AND c.relkind = 'r') THEN
    RETURN;
  END IF;
  ALTER TABLE hectic.migration RENAME TO migration_state;
  -- since PostgreSQL 18 those of NOT NULL, too
  FOR old IN SELECT k.conname FROM pg_catalog.pg_constraint k
             WHERE k.conrelid = 'hectic.migration_state'::pg_catalog.regclass AND k.conname LIKE 'migration\_%' LOOP
    EXECUTE pg_catalog.format('ALTER TABLE hectic.migration_state RENAME CONSTRAINT %I TO %I', old,
                              pg_catalog.regexp_replace(old, '^migration_', 'migration_state_'));
  END LOOP;
END
$state$;
