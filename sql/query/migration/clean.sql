-- Drops the migrator's own objects. The rest of the bundle stays; `migrator init` makes these
-- objects again.
DROP VIEW IF EXISTS hectic.migration;
DROP TABLE IF EXISTS hectic.migration_state, hectic.migration_event;
DROP PROCEDURE IF EXISTS
  hectic.start_migration(bigint, text, bigint, text, text, boolean, text, text, bigint, text, text, text, text, jsonb),
  hectic.note_statement(text, bigint, integer),
  hectic.end_migration(text, bigint, text);
DROP FUNCTION IF EXISTS
  hectic.fail_migration(text, bigint, integer, text, text, text, text),
  hectic.holds_migration_lock(bigint),
  hectic.invalid_indexes(),
  hectic.keep_migration_event();
