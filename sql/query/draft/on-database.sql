DO $do$ BEGIN EXECUTE pg_catalog.format(@statement@, pg_catalog.current_database()); END $do$;
