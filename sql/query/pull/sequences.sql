-- The sequences from which columns of the tables $1 take values: those of serial and identity
-- columns, and those that a default names, also the default of a domain, of a partition or of a
-- partitioned table above it. Sequences in the body of a function are found only if the server has
-- parsed the body (BEGIN ATOMIC).
WITH RECURSIVE family(oid, relation) AS (
  SELECT r.oid, r.oid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid)
  UNION SELECT r.oid, p.relid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid), pg_catalog.pg_partition_tree(r.oid) AS p
  UNION SELECT r.oid, p.relid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid), pg_catalog.pg_partition_ancestors(r.oid) AS p(relid)
),
expression(relation, attnum, classid, objid) AS (
  SELECT f.adrelid, f.adnum, 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, f.oid
  FROM pg_catalog.pg_attrdef f WHERE f.adrelid IN (SELECT relation FROM family)
  UNION
  SELECT a.attrelid, a.attnum, 'pg_catalog.pg_type'::pg_catalog.regclass, a.atttypid
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid IN (SELECT relation FROM family) AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef AND t.typtype = 'd'
  UNION
  SELECT e.relation, e.attnum, d.refclassid, d.refobjid
  FROM expression e JOIN pg_catalog.pg_depend d ON d.classid = e.classid AND d.objid = e.objid
  WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
),
taken(sequence, relation, attnum) AS (
  SELECT d.refobjid, e.relation, e.attnum
  FROM expression e JOIN pg_catalog.pg_depend d ON d.classid = e.classid AND d.objid = e.objid
  WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  UNION
  SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 AND d.refobjid IN (SELECT relation FROM family)
)
SELECT DISTINCT f.oid, a.attname::pg_catalog.text AS column,
       pg_catalog.format('%I.%I', n.nspname, s.relname) AS sequence,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT') AS readable
FROM taken t
JOIN family f ON f.relation = t.relation
JOIN pg_catalog.pg_class s ON s.oid = t.sequence AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relation AND a.attnum = t.attnum
ORDER BY 1, 2, 3
