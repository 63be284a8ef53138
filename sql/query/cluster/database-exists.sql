-- Whether there is a database named $1.
SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1::text) AS found
