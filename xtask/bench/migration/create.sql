-- A third of the migrations make a table. A template.
CREATE TABLE public.t_@table@ (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text   NOT NULL
) INHERITS (hectic.created_at);
