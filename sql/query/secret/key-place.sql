-- The path of the server's data directory and the content of its lock file: a client that finds the
-- same file with the same content is on the server's machine. No row if the role may not ask, or if
-- the configuration names another key file.
SELECT pg_catalog.current_setting('data_directory') AS data_directory,
       pg_catalog.pg_read_file('postmaster.pid')    AS lock_file
WHERE (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_file_settings f
                  WHERE f.name = 'hectic.secret_key_file' AND f.error IS NULL)
