-- The databases that accept connections, with their sizes in bytes. The size is null if the role
-- may not know it.
SELECT d.datname::text AS name,
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            THEN pg_catalog.pg_database_size(d.oid) END AS bytes
FROM pg_catalog.pg_database d
WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT d.datistemplate
ORDER BY d.datname
