-- Removes statistics of deleted rows from the disk. ANALYZE had copied values of these rows.
VACUUM FULL pg_catalog.pg_statistic
