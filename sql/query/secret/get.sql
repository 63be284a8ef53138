-- The value of the secret $1, opened by the server.
SELECT hectic.get_secret($1) AS value
