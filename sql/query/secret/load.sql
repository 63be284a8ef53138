-- Replaces all secrets by these: names $1, sealed values $2.
SELECT hectic.load_sealed_secrets($1::text[], $2::bytea[])
