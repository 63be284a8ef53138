-- The version of the hectic bundle in this database; no row if it was never recorded.
SELECT v.version FROM hectic.version v;
