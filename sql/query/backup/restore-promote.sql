-- Ends recovery, so that clients can write.
SELECT pg_catalog.pg_promote(true, 600) AS promoted
