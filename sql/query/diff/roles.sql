-- The names of all roles of a cluster.
SELECT pg_catalog.array_agg(r.rolname::text) AS names
FROM pg_catalog.pg_roles r
