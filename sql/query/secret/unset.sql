-- Removes the secret $1.
DELETE FROM hectic.secret_sealed s WHERE s.key = $1
