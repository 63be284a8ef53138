-- All secrets as they rest.
SELECT s.key AS name, s.sealed
FROM hectic.secret_sealed s
ORDER BY s.key COLLATE "C"
