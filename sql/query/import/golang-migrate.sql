-- What golang-migrate records: one row with the last version.
SELECT m.version::text AS key,
       NULL::text AS applied,
       NULL::text AS checksum,
       CASE WHEN m.dirty THEN 'it is dirty: only a part of it may have run' END AS problem,
       true AS covers
FROM schema_migrations m
