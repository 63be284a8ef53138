-- The whole schema. `database deploy` and `database check` run this file through psql; it includes
-- other files with \ir.
SET client_encoding = 'UTF8';

-- hectic.created_at gives the table the column created_at.
CREATE TABLE note (
  note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  body text NOT NULL CHECK (body <> '')
) INHERITS (hectic.created_at);
COMMENT ON TABLE note IS 'An example: put your own tables in its place.';
