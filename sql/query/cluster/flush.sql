-- Writes a message to the WAL. A synchronous commit of it flushes all earlier asynchronous
-- commits, too.
SELECT pg_catalog.pg_logical_emit_message(true, 'db-tool', '')
