-- The size of all databases together, in bytes and in words.
SELECT sum(pg_catalog.pg_database_size(oid))::bigint AS bytes,
       pg_catalog.pg_size_pretty(sum(pg_catalog.pg_database_size(oid))) AS pretty
FROM pg_catalog.pg_database
WHERE pg_catalog.has_database_privilege(oid, 'CONNECT')
