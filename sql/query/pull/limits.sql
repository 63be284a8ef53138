-- Settings for the session. It sets the search path for later queries. It also sets limits that
-- some releases or systems do not know: limits for the application must not end a pull, and the
-- server should soon end a session whose client has gone.
SELECT pg_catalog.set_config('pull.schemas', pg_catalog.current_schemas(true)::pg_catalog.text, false);
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES ('transaction_timeout', '0', '%'), ('idle_session_timeout', '0', '%'),
             ('client_connection_check_interval', '5s', '%linux%')) AS w(name, value, system)
JOIN pg_catalog.pg_settings s ON s.name OPERATOR(pg_catalog.=) w.name AND pg_catalog.version() OPERATOR(pg_catalog.~~) w.system;
