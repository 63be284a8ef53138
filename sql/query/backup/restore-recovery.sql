-- Whether the server still replays a log that others may go on writing.
SELECT pg_catalog.pg_is_in_recovery() AS recovering
