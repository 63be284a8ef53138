DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = @name@) THEN @statement@; END IF; END $do$;
