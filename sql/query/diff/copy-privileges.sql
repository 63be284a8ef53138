-- Gives a copy of a database ($2) the privileges on the original ($1). Only for private clusters.
UPDATE pg_catalog.pg_database c
SET datacl = o.datacl
FROM pg_catalog.pg_database o
WHERE o.datname = $1::text AND c.datname = $2::text
