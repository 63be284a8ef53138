-- A template: the rows of a table that the user selected, or to which pulled rows refer, through
-- any number of foreign keys and also in cycles. A row is identified by its ctid, which does not
-- change within a snapshot.
(t.tableoid, t.ctid) OPERATOR(pg_catalog.=) ANY (
  WITH RECURSIVE pulled(relation, place) AS (
    (@first@)
    UNION
    SELECT n.relation, n.place FROM pulled p CROSS JOIN LATERAL (@steps@) AS n(relation, place)
  )
  SELECT p.relation, p.place FROM pulled p WHERE p.relation OPERATOR(pg_catalog.=) ANY ('{@leaves@}'::pg_catalog.oid[]))
