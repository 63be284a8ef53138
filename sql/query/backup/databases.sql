-- The databases that somebody may connect to, with their sizes in bytes where this role may know them.
SELECT d.datname::text AS name,
       CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            THEN pg_catalog.pg_database_size(d.oid) END AS bytes
FROM pg_catalog.pg_database d
WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT d.datistemplate
ORDER BY d.datname
