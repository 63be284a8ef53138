-- The server's version and the current role.
SELECT pg_catalog.current_setting('server_version') AS version, CURRENT_USER::text AS role,
       pg_catalog.pg_is_in_recovery() AS standby
