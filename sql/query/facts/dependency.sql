-- Dependencies between objects, with addresses as in object.sql. The catalogs have more objects
-- than that list, so this query replaces them: a default by its column, the rule of a view by the
-- view, an array type by its element type, the row type of a table by the table, an entry of a
-- publication by the publication, and a member of an extension by the extension.
WITH type AS (
  SELECT t.tableoid, t.oid, coalesce(e.oid, t.oid) AS element, coalesce(e.typrelid, t.typrelid) AS relation
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
  WHERE t.oid >= 16384
), alias(class, id, to_class, to_id, to_sub) AS MATERIALIZED (
  SELECT t.tableoid, t.oid, coalesce(c.tableoid, t.tableoid), coalesce(c.oid, t.element), 0
  FROM type t
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.relation AND c.relkind <> 'c'
  WHERE c.oid IS NOT NULL OR t.element <> t.oid
  UNION ALL
  SELECT c.tableoid, c.oid, 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype, 0
  FROM pg_catalog.pg_class c
  WHERE c.relkind = 'c'
  UNION ALL
  SELECT d.tableoid, d.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, d.adrelid, d.adnum
  FROM pg_catalog.pg_attrdef d
  UNION ALL
  SELECT w.tableoid, w.oid, 'pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, 0
  FROM pg_catalog.pg_rewrite w
  WHERE w.oid >= 16384 AND w.rulename = '_RETURN'
  UNION ALL
  SELECT r.tableoid, r.oid, 'pg_catalog.pg_publication'::pg_catalog.regclass, r.prpubid, 0
  FROM pg_catalog.pg_publication_rel r
  UNION ALL
  SELECT s.tableoid, s.oid, 'pg_catalog.pg_publication'::pg_catalog.regclass, s.pnpubid, 0
  FROM pg_catalog.pg_publication_namespace s
)
SELECT DISTINCT coalesce(a.to_class, d.classid) AS class, coalesce(a.to_id, d.objid) AS id,
       coalesce(a.to_sub, d.objsubid)::integer AS sub,
       coalesce(e.refclassid, b.to_class, d.refclassid) AS other_class,
       coalesce(e.refobjid, b.to_id, d.refobjid) AS other,
       CASE WHEN e.refobjid IS NULL THEN greatest(coalesce(b.to_sub, d.refobjsubid), 0) ELSE 0 END::integer AS other_sub
FROM pg_catalog.pg_depend d
LEFT JOIN alias a ON a.class = d.classid AND a.id = d.objid AND d.objsubid = 0
LEFT JOIN alias b ON b.class = d.refclassid AND b.id = d.refobjid AND d.refobjsubid = 0
LEFT JOIN pg_catalog.pg_depend e
  ON e.deptype = 'e' AND e.classid = coalesce(b.to_class, d.refclassid) AND e.objid = coalesce(b.to_id, d.refobjid)
WHERE d.deptype NOT IN ('e', 'x')
  AND (d.refobjid >= 16384 OR d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
