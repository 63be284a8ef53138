-- A migration that touches no table. A template.
BEGIN;
CREATE SCHEMA s_@number@;
INSERT INTO public.history (version, name) VALUES (@number@, 's_@number@');
COMMIT;
