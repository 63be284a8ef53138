-- The version of the hectic bundle in this database. No row if none is recorded.
SELECT v.version FROM hectic.version v;
