-- A template: gives a copy of a database its comment, and the things of the original that CREATE
-- DATABASE does not copy: privileges, the connection limit and settings. The privileges of a role
-- depend on it, which pg_shdepend records. synchronous_commit is off for a clone that goes by itself:
-- it need not survive a crash of the machine.
SET synchronous_commit = @synchronous@;
COMMENT ON DATABASE @name@ IS @note@;
UPDATE pg_catalog.pg_database c
SET datacl = o.datacl, datconnlimit = o.datconnlimit
FROM pg_catalog.pg_database o
WHERE o.datname = @original@ AND c.datname = @copy@
  AND (o.datacl IS NOT NULL OR o.datconnlimit <> c.datconnlimit);
INSERT INTO pg_catalog.pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)
SELECT s.dbid, s.classid, c.oid, s.objsubid, s.refclassid, s.refobjid, s.deptype
FROM pg_catalog.pg_shdepend s
JOIN pg_catalog.pg_database o ON o.oid = s.objid AND o.datname = @original@
JOIN pg_catalog.pg_database c ON c.datname = @copy@
WHERE s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND s.deptype = 'a';
INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
SELECT c.oid, s.setrole, s.setconfig
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database o ON o.oid = s.setdatabase AND o.datname = @original@
JOIN pg_catalog.pg_database c ON c.datname = @copy@;
