-- Whether the server can open the secret $1. Fails if it cannot.
SELECT hectic.get_secret($1) IS NOT NULL AS opens
