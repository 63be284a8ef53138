-- The facts about the server that the description of a backup holds.
SELECT pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('server_version_num')::integer / 10000 AS major,
       pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS taken,
       EXTRACT(epoch FROM pg_catalog.now())::bigint AS epoch,
       (SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.oid = 10) AS superuser
