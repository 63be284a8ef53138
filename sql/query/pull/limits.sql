-- For the session: where unqualified names are looked for, which later queries do no more; and limits that not every
-- release and system knows: what is meant for the application does not end a pull, and a session whose client is gone
-- ends soon, whatever it is doing.
SELECT pg_catalog.set_config('pull.schemas', pg_catalog.current_schemas(true)::pg_catalog.text, false);
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES ('transaction_timeout', '0', '%'), ('idle_session_timeout', '0', '%'),
             ('client_connection_check_interval', '5s', '%linux%')) AS w(name, value, system)
JOIN pg_catalog.pg_settings s ON s.name OPERATOR(pg_catalog.=) w.name AND pg_catalog.version() OPERATOR(pg_catalog.~~) w.system;
