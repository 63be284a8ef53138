-- Whether the bundle's table of sealed secrets exists.
SELECT pg_catalog.to_regprocedure('hectic.load_sealed_secrets(text[],bytea[])') IS NOT NULL AS found
