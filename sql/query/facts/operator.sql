-- Operators, their classes and families, casts, transforms and access methods.
SELECT o.tableoid AS class, o.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'result', pg_catalog.format_type(o.oprresult, NULL),
  'function', nullif(o.oprcode::oid, 0)::pg_catalog.regprocedure::text,
  'commutator', nullif(o.oprcom, 0)::pg_catalog.regoperator::text,
  'negator', nullif(o.oprnegate, 0)::pg_catalog.regoperator::text,
  'hashes', CASE WHEN o.oprcanhash THEN 'yes' END,
  'merges', CASE WHEN o.oprcanmerge THEN 'yes' END,
  'restriction', nullif(o.oprrest::oid, 0)::pg_catalog.regprocedure::text,
  'join', nullif(o.oprjoin::oid, 0)::pg_catalog.regprocedure::text
)::text AS properties
FROM pg_catalog.pg_operator o
WHERE o.oid >= 16384
UNION ALL
SELECT o.tableoid, o.oid, 0, pg_catalog.json_build_object(
  'type', pg_catalog.format_type(o.opcintype, NULL),
  'storage type', CASE WHEN o.opckeytype <> 0 THEN pg_catalog.format_type(o.opckeytype, NULL) END,
  'default', CASE WHEN o.opcdefault THEN 'yes' END,
  'family', (pg_catalog.pg_identify_object('pg_catalog.pg_opfamily'::pg_catalog.regclass, o.opcfamily, 0)).identity
)::text
FROM pg_catalog.pg_opclass o
WHERE o.oid >= 16384
UNION ALL
SELECT m.tableoid, m.oid, 0, pg_catalog.json_build_object(
  'operator', m.amopopr::pg_catalog.regoperator::text,
  'sort family', (pg_catalog.pg_identify_object('pg_catalog.pg_opfamily'::pg_catalog.regclass,
                                                nullif(m.amopsortfamily, 0), 0)).identity
)::text
FROM pg_catalog.pg_amop m
WHERE m.oid >= 16384
UNION ALL
SELECT m.tableoid, m.oid, 0, pg_catalog.json_build_object('function', m.amproc::oid::pg_catalog.regprocedure::text)::text
FROM pg_catalog.pg_amproc m
WHERE m.oid >= 16384
UNION ALL
SELECT c.tableoid, c.oid, 0, pg_catalog.json_build_object(
  'method', CASE c.castmethod
    WHEN 'f' THEN c.castfunc::pg_catalog.regprocedure::text WHEN 'i' THEN 'in and out' ELSE 'binary' END,
  'context', CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END
)::text
FROM pg_catalog.pg_cast c
WHERE c.oid >= 16384
UNION ALL
SELECT t.tableoid, t.oid, 0, pg_catalog.json_build_object(
  'from sql', nullif(t.trffromsql::oid, 0)::pg_catalog.regprocedure::text,
  'to sql', nullif(t.trftosql::oid, 0)::pg_catalog.regprocedure::text
)::text
FROM pg_catalog.pg_transform t
UNION ALL
SELECT a.tableoid, a.oid, 0, pg_catalog.json_build_object(
  'form', CASE a.amtype WHEN 't' THEN 'table' ELSE 'index' END,
  'handler', a.amhandler::text
)::text
FROM pg_catalog.pg_am a
WHERE a.oid >= 16384
