-- The databases that have a note of db-tool as their comment, and those without a comment that have
-- the name of a clone. idle_minutes: the time since a database without a comment was created, unless
-- it has sessions.
SELECT d.datname::text AS name, n.note,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) AS sessions,
       (CASE WHEN n.note IS NULL
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid) THEN
         EXTRACT(epoch FROM pg_catalog.now()
           - (pg_catalog.pg_stat_file('base/' || d.oid || '/PG_VERSION', true)).modification) / 60
       END)::float8 AS idle_minutes
FROM pg_catalog.pg_database d
CROSS JOIN LATERAL (SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS note) AS n
WHERE n.note LIKE '{"db-tool":%' OR n.note IS NULL AND d.datname ~ '_clone_[0-9a-f]{16}$'
ORDER BY d.datname
