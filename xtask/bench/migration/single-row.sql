-- A migration with the least history that says what is applied. A template.
BEGIN;
@up@
INSERT INTO public.history (version, name) VALUES (@version@, '@name@');
COMMIT;
