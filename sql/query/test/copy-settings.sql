-- Gives a copy of a database ($2) the settings of ALTER DATABASE and ALTER ROLE … IN DATABASE that the
-- original ($1) has. Only for private clusters.
INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
SELECT c.oid, s.setrole, s.setconfig
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database o ON o.oid = s.setdatabase AND o.datname = $1::text
JOIN pg_catalog.pg_database c ON c.datname = $2::text
