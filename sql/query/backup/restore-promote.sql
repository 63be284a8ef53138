-- Ends recovery, so that the cluster can be written to.
SELECT pg_catalog.pg_promote(true, 600) AS promoted
