-- Writes something to the WAL, so that a synchronous commit flushes everything that asynchronous
-- commits before it have left unwritten.
SELECT pg_catalog.pg_logical_emit_message(true, 'db-tool', '')
