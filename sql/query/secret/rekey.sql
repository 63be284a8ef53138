-- Seals anew what is not sealed with the first key; how many that were.
SELECT hectic.rekey_secrets()::bigint AS resealed
