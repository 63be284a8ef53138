-- The sequences that belong to columns of the tables $1, as serial and identity columns make them.
SELECT d.refobjid AS oid, a.attname::text AS column,
       pg_catalog.format('%I.%I', n.nspname, s.relname) AS sequence
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.deptype IN ('a', 'i') AND d.refobjid = ANY ($1::oid[])
ORDER BY d.refobjid, a.attnum, 3
