-- The secret $1 as it rests.
SELECT s.sealed FROM hectic.secret_sealed s WHERE s.key = $1
