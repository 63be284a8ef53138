-- Whether there are sealed secrets.
SELECT EXISTS (SELECT FROM hectic.secret_sealed) AS found
