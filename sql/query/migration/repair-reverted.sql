-- Records that version $2 of set $1 is not applied. No SQL has run, and no file is read.
WITH changed AS (
  UPDATE hectic.migration_state AS m SET
    (state, direction, completed_at, error, deleted_at, backend) =
    ROW ('Undone', 'down', pg_catalog.clock_timestamp(), NULL::text, NULL::timestamptz, NULL::integer)
  WHERE m.migration_set = $1::text AND m.version = $2::bigint
  RETURNING m.*
)
INSERT INTO hectic.migration_event (
  migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version, note)
SELECT c.migration_set, c.version, c.name, 'repair', c.state, c.checksum, c.normalized_checksum, c.previous,
       $3::text, $4::text, $5::text
FROM changed c
