-- Builds the query for facts that are stored in rows instead of catalogs, or returns NULL if none
-- is needed. Each part's tables exist in some databases only, and not every role may read them. The
-- built query returns the same columns as loose.sql.
--
-- Tables that inherit hectic.immutable contain reference data. If $1 is true, their rows are a
-- fact: a digest that depends neither on the order of rows and columns nor on the time when they
-- were written.
WITH RECURSIVE relation AS (
  SELECT c.oid, n.nspname, c.relname,
         pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE (n.nspname, c.relname) IN (
    ('hectic', 'immutable'), ('hectic', 'version'), ('hectic', 'created_at'), ('cron', 'job'), ('pg_catalog', 'pg_subscription'))
),
descendant(oid) AS (
  SELECT r.oid FROM relation r WHERE r.relname = 'immutable' AND $1::boolean
  UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN descendant d ON d.oid = i.inhparent
),
part(sql) AS (
  SELECT pg_catalog.format($sql$SELECT %L, %L, pg_catalog.json_build_object('rows', %s)::text$sql$, i.type, i.identity,
           CASE WHEN pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
                 AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
             THEN pg_catalog.format($sql$(
  SELECT pg_catalog.concat_ws(', md5 ', count(*), pg_catalog.md5(
           pg_catalog.string_agg(r.digest, '' ORDER BY r.digest COLLATE pg_catalog."C")))
  FROM (SELECT pg_catalog.md5((pg_catalog.to_jsonb(t) - 'created_at' - 'updated_at')::text)
        FROM ONLY %s t) AS r(digest))$sql$, c.oid::pg_catalog.regclass)
             ELSE '''unreadable''' END)
  FROM descendant d
  JOIN pg_catalog.pg_class c ON c.oid = d.oid AND c.relkind = 'r'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'hectic'
  CROSS JOIN LATERAL pg_catalog.pg_identify_object(c.tableoid, c.oid, 0) i
  UNION ALL
  SELECT CASE WHEN r.readable
           THEN pg_catalog.format($sql$SELECT 'bundle', 'hectic',
                  pg_catalog.json_build_object('version', v.version, 'kind', %L)::text
                FROM hectic.version v$sql$, b.kind)
           ELSE pg_catalog.format($sql$SELECT 'bundle', 'hectic',
                  pg_catalog.json_build_object('version', 'unreadable', 'kind', %L)::text$sql$, b.kind) END
  FROM relation r
  -- The parent tables, with which come the rules for tables, are in the full bundle only.
  CROSS JOIN (SELECT CASE WHEN pg_catalog.count(*) > 0 THEN 'full' ELSE 'history' END
              FROM relation p WHERE p.nspname = 'hectic' AND p.relname = 'created_at') AS b(kind)
  WHERE r.nspname = 'hectic' AND r.relname = 'version'
  UNION ALL
  -- Numbers, nodes and ports of jobs differ between servers.
  SELECT $sql$SELECT 'cron job', coalesce(j ->> 'jobname', pg_catalog.concat_ws(' ', j ->> 'schedule', j ->> 'command')),
  (j - 'jobid' - 'jobname' - 'nodename' - 'nodeport'
     - CASE j ->> 'database' WHEN pg_catalog.current_database() THEN 'database' ELSE '' END)::text
FROM cron.job t, pg_catalog.to_jsonb(t) j$sql$
  FROM relation r WHERE r.nspname = 'cron' AND r.readable
  UNION ALL
  -- Only superusers may read the whole row, because the connection may contain a password.
  SELECT $sql$SELECT 'subscription', pg_catalog.quote_ident(s.subname),
  (pg_catalog.to_jsonb(s) - ARRAY['oid', 'subdbid', 'subname', 'subowner', 'subskiplsn', 'subtwophasestate']
     || pg_catalog.jsonb_build_object('subconninfo', 'md5 ' || pg_catalog.md5(s.subconninfo)))::text
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()$sql$
  FROM relation r WHERE r.nspname = 'pg_catalog' AND r.readable
    AND EXISTS (SELECT FROM pg_catalog.pg_subscription s
                JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database())
)
-- The query also returns the release; see Facts::release.
SELECT 'SELECT f.* FROM (' || pg_catalog.string_agg(p.sql, E'\nUNION ALL\n') || ') AS f(kind, name, properties)' AS query,
       pg_catalog.current_setting('server_version_num')::integer / 10000 AS release
FROM part p
