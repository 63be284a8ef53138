-- A transaction that reads the catalogs and writes to the WAL.
SELECT pg_catalog.pg_current_xact_id()::text AS transaction,
       pg_catalog.pg_logical_emit_message(true, 'db-tool', 'restored')::text AS written,
       pg_catalog.count(*) AS relations
FROM pg_catalog.pg_class
