-- What dbmate and Rails record: the version of each migration.
SELECT m.version::text AS key,
       NULL::text AS applied,
       NULL::text AS checksum,
       NULL::text AS problem,
       false AS covers
FROM schema_migrations m
ORDER BY m.version
