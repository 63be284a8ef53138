-- The obstacles that keep the role $1 from connecting to the database $2: for each, the statement
-- that removes it, and a text that describes this change.
SELECT change.statement, change.told
FROM pg_catalog.pg_roles r
CROSS JOIN pg_catalog.pg_database d
CROSS JOIN LATERAL (VALUES
  (1, NOT r.rolcanlogin,
   pg_catalog.format('ALTER ROLE %I LOGIN', r.rolname),
   pg_catalog.format('let the role %s log in', r.rolname)),
  (2, r.rolconnlimit = 0 AND NOT r.rolsuper,
   pg_catalog.format('ALTER ROLE %I CONNECTION LIMIT -1', r.rolname),
   pg_catalog.format('lifted the connection limit of the role %s', r.rolname)),
  (3, NOT d.datallowconn,
   pg_catalog.format('ALTER DATABASE %I ALLOW_CONNECTIONS true', d.datname),
   pg_catalog.format('let connections to the database %s in', d.datname)),
  (4, d.datconnlimit = 0 AND NOT r.rolsuper,
   pg_catalog.format('ALTER DATABASE %I CONNECTION LIMIT -1', d.datname),
   pg_catalog.format('lifted the connection limit of the database %s', d.datname)),
  (5, NOT pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'),
   pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, r.rolname),
   pg_catalog.format('granted the role %s to connect to the database %s', r.rolname, d.datname))
) AS change(place, is_needed, statement, told)
WHERE r.rolname = $1 AND d.datname = $2 AND change.is_needed
ORDER BY change.place
