-- Functions, procedures and aggregates. An OID of zero means a function or type that is not set.
SELECT f.tableoid AS class, f.oid AS id, 0 AS sub,
  CASE WHEN f.prokind <> 'a' THEN pg_catalog.pg_get_functiondef(f.oid) END AS "definition",
  CASE WHEN f.prokind = 'a' THEN pg_catalog.pg_get_function_arguments(f.oid) END AS "arguments",
  CASE WHEN f.prokind = 'a' THEN pg_catalog.pg_get_function_result(f.oid) END AS "result",
  CASE WHEN f.prokind = 'a' THEN nullif(f.proparallel::text, 'u') END AS "parallel",
  nullif(a.aggkind::text, 'n') AS "form",
  nullif(a.aggnumdirectargs, 0)::text AS "direct arguments",
  nullif(a.aggtransfn::oid, 0)::pg_catalog.regprocedure::text AS "transition function",
  pg_catalog.format_type(nullif(a.aggtranstype, 0), NULL) AS "transition type",
  nullif(a.aggtransspace, 0)::text AS "transition space",
  a.agginitval AS "initial condition",
  nullif(a.aggfinalfn::oid, 0)::pg_catalog.regprocedure::text AS "final function",
  CASE WHEN a.aggfinalfn <> 0 THEN
    a.aggfinalmodify::text || CASE WHEN a.aggfinalextra THEN ' extra' ELSE '' END END AS "final function options",
  nullif(a.aggcombinefn::oid, 0)::pg_catalog.regprocedure::text AS "combine function",
  nullif(a.aggserialfn::oid, 0)::pg_catalog.regprocedure::text AS "serial function",
  nullif(a.aggdeserialfn::oid, 0)::pg_catalog.regprocedure::text AS "deserial function",
  nullif(a.aggmtransfn::oid, 0)::pg_catalog.regprocedure::text AS "moving transition function",
  nullif(a.aggminvtransfn::oid, 0)::pg_catalog.regprocedure::text AS "moving inverse function",
  pg_catalog.format_type(nullif(a.aggmtranstype, 0), NULL) AS "moving transition type",
  nullif(a.aggmtransspace, 0)::text AS "moving transition space",
  a.aggminitval AS "moving initial condition",
  nullif(a.aggmfinalfn::oid, 0)::pg_catalog.regprocedure::text AS "moving final function",
  CASE WHEN a.aggmfinalfn <> 0 THEN
    a.aggmfinalmodify::text || CASE WHEN a.aggmfinalextra THEN ' extra' ELSE '' END END AS "moving final function options",
  nullif(a.aggsortop, 0)::pg_catalog.regoperator::text AS "sort operator"
FROM pg_catalog.pg_proc f
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = f.oid
WHERE f.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = f.tableoid AND d.objid = f.oid AND d.deptype = 'e')
