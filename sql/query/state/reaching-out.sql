-- What makes the database depend on more than its own data: things that read files, ask other
-- servers, or run programs. The name of one of them; no row if there is none.
SELECT what FROM (
  SELECT 'foreign server ' || srvname FROM pg_catalog.pg_foreign_server
  UNION ALL
  SELECT 'subscription ' || subname FROM pg_catalog.pg_subscription
  WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  UNION ALL
  SELECT 'tablespace ' || spcname FROM pg_catalog.pg_tablespace
  WHERE spcname NOT IN ('pg_default', 'pg_global')
  UNION ALL
  SELECT 'replication slot ' || slot_name FROM pg_catalog.pg_replication_slots
  UNION ALL
  SELECT 'language ' || lanname FROM pg_catalog.pg_language
  WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')
  UNION ALL
  SELECT 'extension ' || extname FROM pg_catalog.pg_extension
  -- a job of pg_cron keeps the place of the server on which it was made
  WHERE extname IN ('dblink', 'http', 'pg_net', 'pg_curl', 'plsh', 'adminpack', 'pg_cron')
    OR extname LIKE '%fdw%' OR extname LIKE 'aws%'
  UNION ALL
  SELECT 'function ' || p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p
  WHERE p.oid >= 16384
    AND p.pronamespace NOT IN (
      SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('pg_catalog', 'hectic'))
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
        AND d.deptype = 'e')
    AND p.prosrc ~* '\m(pg_read_file|pg_read_binary_file|pg_ls_dir|pg_stat_file|lo_import|dblink)\M'
) AS found (what)
LIMIT 1;
