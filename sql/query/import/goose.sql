-- What goose records: a row for each step; the last one of a version counts. Version 0 is the start.
SELECT m.version_id::text AS key,
       pg_catalog.to_char(m.tstamp, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied,
       NULL::text AS checksum,
       NULL::text AS problem,
       false AS covers
FROM goose_db_version m
WHERE m.version_id > 0 AND m.is_applied
  AND NOT EXISTS (SELECT FROM goose_db_version l WHERE l.version_id = m.version_id AND l.id > m.id)
ORDER BY m.version_id
