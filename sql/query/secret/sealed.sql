-- The secret $1 in its sealed form.
SELECT s.sealed FROM hectic.secret_sealed s WHERE s.key = $1
