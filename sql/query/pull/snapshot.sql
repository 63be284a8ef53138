-- The name under which other sessions join this transaction's snapshot.
SELECT pg_catalog.pg_export_snapshot() AS snapshot
