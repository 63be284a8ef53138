-- The number of secrets that are sealed with another key than $1.
SELECT pg_catalog.count(*) AS left FROM hectic.secret_sealed s WHERE pg_catalog.substr(s.sealed, 2, 4) <> $1
