-- Seals all secrets with the first key that are sealed with another one. Returns their number.
SELECT hectic.rekey_secrets()::bigint AS resealed
