-- What refinery records: a row for each migration, with a hash of its name, version and text.
SELECT m.version::text AS key,
       m.applied_on::text AS applied,
       m.checksum::text AS checksum,
       NULL::text AS problem,
       false AS covers
FROM refinery_schema_history m
ORDER BY m.version
