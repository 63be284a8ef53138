-- The reason why the role cannot run migrations. No row if it can. The tables may not exist yet,
-- and the role may own them through membership in another role.
SELECT p.problem, p.remedy
FROM (VALUES
  (pg_catalog.pg_is_in_recovery(),
   'the server is a standby and cannot be written to', 'connect to the primary'),
  (pg_catalog.current_setting('transaction_read_only') = 'on',
   'the session is read-only', 'unset default_transaction_read_only'),
  (pg_catalog.to_regclass('hectic.migration_state') IS NULL
     AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
   pg_catalog.format('role %I may not create the schema hectic', current_user),
   pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I', pg_catalog.current_database(), current_user)),
  (pg_catalog.to_regclass('hectic.migration_state') IS NOT NULL
     AND NOT (pg_catalog.has_table_privilege('hectic.migration_state', 'INSERT')
          AND pg_catalog.has_table_privilege('hectic.migration_state', 'UPDATE')
          AND pg_catalog.has_table_privilege('hectic.migration_event', 'INSERT')),
   pg_catalog.format('role %I may not write the history of migrations', current_user),
   'run migrations as the owner of the schema hectic, or GRANT its membership')
) AS p (is_so, problem, remedy)
WHERE p.is_so
LIMIT 1
