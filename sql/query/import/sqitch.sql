-- What sqitch records: a row for each change, with SHA-1 of its deploy script. A reworked change has
-- several rows, which differ in the time of planning.
SELECT m.project || ' ' || m.change || ' '
         || pg_catalog.to_char(m.planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS key,
       pg_catalog.to_char(m.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied,
       m.script_hash AS checksum,
       NULL::text AS problem,
       false AS covers
FROM sqitch.changes m
ORDER BY m.committed_at
