-- A template.
DELETE FROM public.t_@table@;
