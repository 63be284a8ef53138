-- Sets the checksums of version $2 of set $1 to $3 and $4, those of the present file ($8 to $10).
WITH changed AS (
  UPDATE hectic.migration_state AS m SET checksum = $3::text, normalized_checksum = $4::text
  WHERE m.migration_set = $1::text AND m.version = $2::bigint
  RETURNING m.*
)
INSERT INTO hectic.migration_event (
  migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version, note,
  up_sql, down_sql, files)
SELECT c.migration_set, c.version, c.name, 'repair', c.state, c.checksum, c.normalized_checksum, c.previous,
       $5::text, $6::text, $7::text, $8::text, $9::text, $10::text::jsonb
FROM changed c
