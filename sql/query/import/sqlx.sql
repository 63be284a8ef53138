-- What sqlx records: a row for each migration, with SHA-384 of its file.
SELECT m.version::text AS key,
       pg_catalog.to_char(m.installed_on AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied,
       pg_catalog.encode(m.checksum, 'hex') AS checksum,
       CASE WHEN NOT m.success THEN 'it failed, says its column success' END AS problem,
       false AS covers
FROM _sqlx_migrations m
ORDER BY m.version
