-- Whether the bundle's loader of secrets is there.
SELECT pg_catalog.to_regprocedure('hectic.load_secrets_from_env(text)') IS NOT NULL AS found
