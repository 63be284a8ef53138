-- What the others keep their history in. dbmate would make its own table without what the bundle asks
-- of every table.
CREATE TABLE public.history (version bigint PRIMARY KEY, name text NOT NULL) INHERITS (hectic.created_at);
CREATE TABLE public.schema_migrations (version varchar(128) PRIMARY KEY) INHERITS (hectic.created_at);
