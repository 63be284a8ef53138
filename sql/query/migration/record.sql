-- Records that migration $2 (named $3) of set $1 is applied. $4 is the action, baseline or repair. No
-- SQL has run. The migration that was applied last becomes its predecessor.
WITH event AS (
  INSERT INTO hectic.migration_event AS e (
    migration_set, version, name, action, state, checksum, normalized_checksum, previous, actor, tool_version,
    note, up_sql, down_sql, files)
  VALUES ($1::text, $2::bigint, $3::text, $4::text, 'Migrated', $5::text, $6::text,
          (SELECT m.version FROM hectic.migration_state m
           WHERE m.migration_set = $1::text AND m.version <> $2::bigint AND m.state = 'Migrated'
           ORDER BY m.applied_event DESC LIMIT 1),
          $7::text, $8::text, $9::text, $10::text, $11::text, $12::text::jsonb)
  RETURNING e.*
)
INSERT INTO hectic.migration_state AS m (
  migration_set, version, name, state, direction, transactional, checksum, normalized_checksum, previous,
  started_at, completed_at, actor, tool_version, applied_event)
SELECT e.migration_set, e.version, e.name, e.state, 'up', true,
       e.checksum, e.normalized_checksum, e.previous, e.happened_at, e.happened_at, e.actor, e.tool_version, e.id
FROM event e
ON CONFLICT (migration_set, version) DO UPDATE SET
  (name, state, direction, checksum, normalized_checksum, previous, started_at, completed_at, error, deleted_at,
   backend, applied_event) =
  (excluded.name, excluded.state, excluded.direction, excluded.checksum, excluded.normalized_checksum,
   excluded.previous, excluded.started_at, excluded.completed_at, NULL, NULL, NULL, excluded.applied_event)
