-- The extensions that this server can make.
SELECT a.name::text AS name FROM pg_catalog.pg_available_extensions a
