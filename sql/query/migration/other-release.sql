-- Whether the database has a history, although it lacks the tables of this release.
SELECT pg_catalog.to_regclass('hectic.migration') IS NOT NULL AS there
