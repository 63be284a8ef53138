-- The parts of table $1 that must be read to find the loaded rows: the whole table if it was empty
-- or was emptied.
SELECT CASE c.relkind WHEN 'p' THEN $1::text ELSE 'ONLY ' || $1::text END AS rows,
       COALESCE((SELECT format(' WHERE EXISTS (SELECT FROM pg_temp.%I p WHERE %s)', d.rows, d.same_key)
                 FROM pg_temp.pulled_done d WHERE d.relation = $1::text AND d.same_key IS NOT NULL), '') AS pulled
FROM pg_class c
WHERE c.oid = to_regclass($1::text)
