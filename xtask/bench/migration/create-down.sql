-- A template.
DROP TABLE public.t_@table@;
