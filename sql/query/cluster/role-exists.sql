-- Whether there is a role named $1.
SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1::text) AS found
