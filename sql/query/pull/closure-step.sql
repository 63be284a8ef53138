-- A template: the row to which a pulled row p refers by a foreign key.
SELECT f.tableoid, f.ctid FROM @referring@ r JOIN @referred@ f ON @matches@
WHERE p.relation OPERATOR(pg_catalog.=) ANY ('{@leaves@}'::pg_catalog.oid[])
  AND r.tableoid OPERATOR(pg_catalog.=) p.relation AND r.ctid OPERATOR(pg_catalog.=) p.place
