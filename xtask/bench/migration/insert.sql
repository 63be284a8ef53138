-- Another third fills it. A template.
INSERT INTO public.t_@table@ (name) VALUES ('one'), ('two'), ('three');
