-- What diesel records: a row for each migration.
SELECT m.version::text AS key,
       pg_catalog.to_char(m.run_on, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied,
       NULL::text AS checksum,
       NULL::text AS problem,
       false AS covers
FROM __diesel_schema_migrations m
ORDER BY m.version
