-- What the statements need of the bundle: its parent, and nothing that watches.
CREATE SCHEMA hectic;
CREATE TABLE hectic.created_at (created_at timestamptz NOT NULL DEFAULT now());
