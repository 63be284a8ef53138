-- Whether the server opens the secret $1; an error when it does not.
SELECT hectic.get_secret($1) IS NOT NULL AS opens
