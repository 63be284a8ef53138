-- What Flyway records: a row for each step; the last one of a version counts. A baseline covers
-- everything up to its version. Repeatable migrations have no version.
SELECT pg_catalog.regexp_replace(pg_catalog.regexp_replace(m.version, '(^|[._])0+([0-9])', '\1\2', 'g'),
                                 '([._]0)+$', '') AS key,
       pg_catalog.to_char(m.installed_on, 'YYYY-MM-DD"T"HH24:MI:SS') AS applied,
       CASE WHEN m.type = 'SQL' THEN m.checksum::text END AS checksum,
       CASE WHEN NOT m.success THEN 'it failed, says its column success' END AS problem,
       m.type IN ('BASELINE', 'SQL_BASELINE') AS covers
FROM flyway_schema_history m
WHERE m.version IS NOT NULL AND m.type NOT IN ('SCHEMA', 'DELETE', 'UNDO_SQL', 'UNDO_JDBC', 'UNDO_SCRIPT')
  AND NOT EXISTS (SELECT FROM flyway_schema_history l
                  WHERE l.version = m.version AND l.installed_rank > m.installed_rank)
ORDER BY m.installed_rank
