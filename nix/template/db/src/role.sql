-- Roles belong to the cluster and outlive a database: create the missing ones.
SELECT format('CREATE ROLE %I NOLOGIN', wanted.name)
FROM (VALUES ('shop_app'), ('shop_report')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name)
\gexec
