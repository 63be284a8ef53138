-- SQL that prints TAP: a line `ok` or `not ok` for each test.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\echo 1..1

SELECT CASE WHEN count(*) = @tables@ THEN 'ok' ELSE 'not ok' END || ' 1 - the number of tables is @tables@'
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('hectic', 'information_schema')
  AND n.nspname !~ '^pg_';
