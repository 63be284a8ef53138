-- The last third changes it. A template.
ALTER TABLE public.t_@table@ ADD COLUMN note text NOT NULL DEFAULT '';
COMMENT ON COLUMN public.t_@table@.note IS 'Whatever has to be said.';
