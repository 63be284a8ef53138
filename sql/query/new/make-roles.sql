-- Roles belong to the cluster and outlive a database: this makes the missing ones.
SELECT format('CREATE ROLE %I NOLOGIN', wanted.name)
FROM (VALUES @roles@) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name)
\gexec
