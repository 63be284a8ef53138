-- The objects of the hectic bundle in this database, as one row. This query runs before
-- version.sql, which needs the table; it also works in a database without the bundle.
SELECT
  pg_catalog.to_regnamespace('hectic') IS NOT NULL                AS has_schema,
  pg_catalog.to_regclass('hectic.version') IS NOT NULL            AS has_version,
  pg_catalog.to_regclass('hectic.secret') IS NOT NULL
    OR pg_catalog.to_regclass('hectic.migration') IS NOT NULL
    OR pg_catalog.to_regclass('hectic.created_at') IS NOT NULL    AS has_objects,
  -- The full bundle has the parent tables and their rules, the history bundle has not.
  pg_catalog.to_regclass('hectic.created_at') IS NOT NULL         AS has_rules,
  -- The rule is enforced only if all event triggers are there and enabled.
  (SELECT pg_catalog.count(*) = 4 FROM pg_catalog.pg_event_trigger e
   WHERE e.evtname IN ('hectic_enforce_created_at_inheritance', 'hectic_sync_inherited_triggers',
                       'hectic_sync_altered_tables', 'hectic_sync_new_schemas')
     AND e.evtenabled <> 'D')                                     AS is_enforced;
