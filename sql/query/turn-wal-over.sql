-- Begins a new segment of the write-ahead log, so that those before it can be removed or used again.
CHECKPOINT; SELECT pg_catalog.pg_switch_wal(); CHECKPOINT
