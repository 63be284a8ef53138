-- Stores the secret $1 with the sealed value $2.
INSERT INTO hectic.secret_sealed AS s (key, sealed) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, updated_at = pg_catalog.now()
WHERE s.sealed <> excluded.sealed
