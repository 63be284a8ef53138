-- Begins a new segment of the write-ahead log, after which those before it are not needed.
SELECT pg_catalog.pg_switch_wal(); CHECKPOINT
