-- A template: the row that a pulled row p refers to by a foreign key.
SELECT f.tableoid, f.ctid FROM @referring@ r JOIN @referred@ f ON @matches@
WHERE p.relation = ANY ('{@leaves@}'::oid[]) AND r.tableoid = p.relation AND r.ctid = p.place
