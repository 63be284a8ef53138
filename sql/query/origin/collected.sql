-- The records of collector-start.sql, oldest first. Objects have their present or last names.
SELECT coalesce(i.type, t.kind) AS kind, coalesce(i.identity, t.name) AS name, t.statement, t.migration
FROM hectic_collector.touched t
LEFT JOIN LATERAL pg_catalog.pg_identify_object(t.class, t.id, t.sub) i ON t.class IS NOT NULL
WHERE t.kind IS NOT NULL AND t.statement IS NOT NULL
ORDER BY t.number
