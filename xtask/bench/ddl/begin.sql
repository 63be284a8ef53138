-- Where the statements are about to run, with the bundle and without.
CREATE SCHEMA excluded;
CREATE SCHEMA inheriting;
CREATE TABLE public.history (version bigint PRIMARY KEY, name text NOT NULL) INHERITS (hectic.created_at);
