-- All secrets, opened by the server.
SELECT s.key AS name, s.value FROM hectic.secret s ORDER BY s.key COLLATE "C"
