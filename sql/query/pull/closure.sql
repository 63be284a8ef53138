-- A template: those rows of a table that are wanted, or that rows refer to which are pulled: through
-- any number of foreign keys, round in circles too. Rows are told by where they are, which stays so in
-- a snapshot.
(t.tableoid, t.ctid) OPERATOR(pg_catalog.=) ANY (
  WITH RECURSIVE pulled(relation, place) AS (
    (@first@)
    UNION
    SELECT n.relation, n.place FROM pulled p CROSS JOIN LATERAL (@steps@) AS n(relation, place)
  )
  SELECT p.relation, p.place FROM pulled p WHERE p.relation OPERATOR(pg_catalog.=) ANY ('{@leaves@}'::pg_catalog.oid[]))
