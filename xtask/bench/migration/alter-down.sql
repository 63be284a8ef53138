-- A template.
ALTER TABLE public.t_@table@ DROP COLUMN note;
