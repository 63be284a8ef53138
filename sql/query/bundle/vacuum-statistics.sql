-- Takes what ANALYZE noted of rows that are gone off the disk.
VACUUM FULL pg_catalog.pg_statistic
