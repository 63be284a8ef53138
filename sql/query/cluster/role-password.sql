-- The stored password of the role named $1.
SELECT rolpassword AS password FROM pg_catalog.pg_authid WHERE rolname = $1::text
