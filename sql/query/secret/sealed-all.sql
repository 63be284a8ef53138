-- All secrets in their sealed form.
SELECT s.key AS name, s.sealed
FROM hectic.secret_sealed s
ORDER BY s.key COLLATE "C"
