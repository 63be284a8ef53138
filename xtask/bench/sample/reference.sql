-- Reference data: 100 immutable tables of 1000 rows.
BEGIN;
SET LOCAL hectic.migration_mode = 'on';
CREATE SCHEMA shop;
DO $$
BEGIN
  FOR n IN 0..99 LOOP
    EXECUTE format('CREATE TABLE shop.reference_%s (
      id integer PRIMARY KEY,
      code text NOT NULL UNIQUE,
      label text,
      price numeric(12, 2),
      valid_from date,
      is_active boolean NOT NULL DEFAULT true) INHERITS (hectic.created_at, hectic.immutable)', n);
    EXECUTE format('INSERT INTO shop.reference_%s (id, code, label, price, valid_from)
      SELECT r, ''code-'' || r, ''Label number '' || r, r / 7.0, date ''2020-01-01'' + r
      FROM generate_series(1, 1000) AS r', n);
  END LOOP;
END
$$;
COMMIT;
