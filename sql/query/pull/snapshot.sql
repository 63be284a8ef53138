-- Exports the snapshot of this transaction and returns the name with which other sessions import
-- it.
SELECT pg_catalog.pg_export_snapshot() AS snapshot
