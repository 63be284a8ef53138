-- What graphile-migrate records: a row for each committed migration, with its hash.
SELECT COALESCE(pg_catalog.substring(m.filename, '^0*([0-9]+)'), m.filename) AS key,
       pg_catalog.to_char(m.date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied,
       m.hash AS checksum,
       NULL::text AS problem,
       false AS covers
FROM graphile_migrate.migrations m
ORDER BY m.filename
