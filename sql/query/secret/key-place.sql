-- Where the server's data directory is and what its lock file says: whoever finds the same file with
-- the same content has that server's disk. No row when the role may not ask, or when the
-- configuration names a key file of its own.
SELECT pg_catalog.current_setting('data_directory') AS data_directory,
       pg_catalog.pg_read_file('postmaster.pid')    AS lock_file
WHERE (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_file_settings f
                  WHERE f.name = 'hectic.secret_key_file' AND f.error IS NULL)
