-- Begins a new segment of the write-ahead log. After that, the server does not need the segments
-- before it.
SELECT pg_catalog.pg_switch_wal(); CHECKPOINT
