-- What a new project has to know about the database that it is made from.
SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS owner,
       pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.datdba)) AS quoted_owner,
       d.datname::text AS name,
       -- not every role may see this setting
       (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'shared_preload_libraries') AS preload,
       pg_catalog.to_regclass('hectic.version') IS NOT NULL AS has_bundle,
       pg_catalog.to_regclass('hectic.created_at') IS NOT NULL AS has_parents,
       (SELECT pg_catalog.count(*)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('hectic', 'information_schema')
          AND n.nspname !~ '^pg_') AS tables,
       pg_catalog.to_regnamespace('public') IS NOT NULL AS has_public,
       pg_catalog.to_regclass('cron.job') IS NOT NULL AS has_jobs,
       EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AS has_large_objects,
       ARRAY(SELECT s.subname::text FROM pg_catalog.pg_subscription s WHERE s.subdbid = d.oid ORDER BY 1)
         AS subscriptions
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
