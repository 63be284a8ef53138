-- Functions, procedures and aggregates. Zeros stand for functions and types that are not there.
SELECT f.tableoid AS class, f.oid AS id, 0 AS sub, pg_catalog.json_build_object(
  'definition', CASE WHEN f.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(f.oid) END,
  'arguments', CASE WHEN f.prokind = 'a' THEN pg_catalog.pg_get_function_arguments(f.oid) END,
  'result', CASE WHEN f.prokind = 'a' THEN pg_catalog.pg_get_function_result(f.oid) END,
  'parallel', CASE WHEN f.prokind = 'a' THEN nullif(f.proparallel::text, 'u') END,
  'form', nullif(a.aggkind::text, 'n'),
  'direct arguments', nullif(a.aggnumdirectargs, 0)::text,
  'transition function', nullif(a.aggtransfn::oid, 0)::pg_catalog.regprocedure::text,
  'transition type', pg_catalog.format_type(nullif(a.aggtranstype, 0), NULL),
  'transition space', nullif(a.aggtransspace, 0)::text,
  'initial condition', a.agginitval,
  'final function', nullif(a.aggfinalfn::oid, 0)::pg_catalog.regprocedure::text,
  'final function options', CASE WHEN a.aggfinalfn <> 0 THEN
    a.aggfinalmodify::text || CASE WHEN a.aggfinalextra THEN ' extra' ELSE '' END END,
  'combine function', nullif(a.aggcombinefn::oid, 0)::pg_catalog.regprocedure::text,
  'serial function', nullif(a.aggserialfn::oid, 0)::pg_catalog.regprocedure::text,
  'deserial function', nullif(a.aggdeserialfn::oid, 0)::pg_catalog.regprocedure::text,
  'moving transition function', nullif(a.aggmtransfn::oid, 0)::pg_catalog.regprocedure::text,
  'moving inverse function', nullif(a.aggminvtransfn::oid, 0)::pg_catalog.regprocedure::text,
  'moving transition type', pg_catalog.format_type(nullif(a.aggmtranstype, 0), NULL),
  'moving transition space', nullif(a.aggmtransspace, 0)::text,
  'moving initial condition', a.aggminitval,
  'moving final function', nullif(a.aggmfinalfn::oid, 0)::pg_catalog.regprocedure::text,
  'moving final function options', CASE WHEN a.aggmfinalfn <> 0 THEN
    a.aggmfinalmodify::text || CASE WHEN a.aggmfinalextra THEN ' extra' ELSE '' END END,
  'sort operator', nullif(a.aggsortop, 0)::pg_catalog.regoperator::text
)::text AS properties
FROM pg_catalog.pg_proc f
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = f.oid
WHERE f.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = f.tableoid AND d.objid = f.oid AND d.deptype = 'e')
