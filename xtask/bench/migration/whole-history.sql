-- A migration as one psql session can have it that keeps the history that the migrator keeps. A template.
CALL hectic.start_migration(1, 'default', @version@, '@name@', 'up', true, '@checksum@', '@checksum@', @previous@,
  'somebody@somewhere', '1.0.0', $migration$@up@$migration$, $migration$@down@$migration$, NULL);
BEGIN;
@up@
CALL hectic.end_migration('default', @version@, pg_catalog.pg_current_xact_id()::text);
COMMIT;
