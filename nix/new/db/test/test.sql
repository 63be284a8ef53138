-- SQL that prints TAP: a line `ok` or `not ok` for each test. Nothing stays of its changes.
\set QUIET on
\pset format unaligned
\pset tuples_only on
BEGIN;
\echo 1..1

INSERT INTO note (body) VALUES ('Hello');
SELECT CASE WHEN count(*) = 1 THEN 'ok' ELSE 'not ok' END || ' 1 - a note has the time of its creation'
FROM note
WHERE body = 'Hello' AND created_at = now();

ROLLBACK;
