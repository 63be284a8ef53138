-- Every declared foreign key; those that partitions inherit are left out. "matches" is the
-- condition that row r refers to row f.
SELECT c.conrelid AS referring, c.confrelid AS referred,
       pg_catalog.array_agg(a.attname::text ORDER BY k.place) AS columns,
       pg_catalog.array_agg(b.attname::text ORDER BY k.place) AS referred_columns,
       pg_catalog.string_agg(
         pg_catalog.format('f.%I OPERATOR(%I.%s) r.%I%s', b.attname, s.nspname, o.oprname, a.attname,
           CASE WHEN a.attcollation <> b.attcollation THEN pg_catalog.format(' COLLATE %I.%I', m.nspname, l.collname) END),
         ' AND ' ORDER BY k.place) AS matches
FROM pg_catalog.pg_constraint c
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey), pg_catalog.unnest(c.conpfeqop))
  WITH ORDINALITY AS k(own, other, operator, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.own
JOIN pg_catalog.pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.other
JOIN pg_catalog.pg_operator o ON o.oid = k.operator
JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace
LEFT JOIN pg_catalog.pg_collation l ON l.oid = b.attcollation
LEFT JOIN pg_catalog.pg_namespace m ON m.oid = l.collnamespace
WHERE c.contype = 'f' AND c.conparentid = 0
GROUP BY c.oid, c.conrelid, c.confrelid
ORDER BY c.conrelid, c.confrelid, c.conname
