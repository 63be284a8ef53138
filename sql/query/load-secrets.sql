-- Replaces all secrets by those of a dotenv, $1.
SELECT hectic.load_secrets_from_env($1::text)
