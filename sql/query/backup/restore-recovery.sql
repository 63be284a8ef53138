-- Whether the server is in recovery.
SELECT pg_catalog.pg_is_in_recovery() AS recovering
