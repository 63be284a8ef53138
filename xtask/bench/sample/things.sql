-- A schema of 1000 tables with keys, checks, defaults, comments and an index on an expression.
CREATE SCHEMA shop;
DO $$
BEGIN
  FOR n IN 0..999 LOOP
    EXECUTE format('CREATE TABLE shop.thing_%s (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      parent bigint REFERENCES shop.thing_%s,
      name text NOT NULL,
      price numeric(12, 2) NOT NULL DEFAULT 0 CHECK (price >= 0),
      made timestamptz NOT NULL DEFAULT now(),
      note text)', n, greatest(n - 1, 0));
    EXECUTE format('CREATE INDEX ON shop.thing_%s (lower(name))', n);
    EXECUTE format('COMMENT ON TABLE shop.thing_%s IS %L', n, 'Thing number ' || n);
    -- locks are held until then
    IF n % 100 = 99 THEN COMMIT; END IF;
  END LOOP;
END
$$;
