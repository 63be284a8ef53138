-- Rows of these tables are part of the schema: they change in migrations only.
CREATE TABLE shop.country (
  code  text PRIMARY KEY CHECK (code ~ '^[A-Z]{2}$'),
  name  text NOT NULL UNIQUE,
  is_eu boolean NOT NULL
) INHERITS (hectic.created_at, hectic.immutable);
COMMENT ON TABLE shop.country IS 'Countries that the shop ships to (ISO 3166-1 alpha-2).';

CREATE TABLE shop.order_state (
  state    text PRIMARY KEY,
  position smallint NOT NULL UNIQUE,
  is_final boolean NOT NULL
) INHERITS (hectic.created_at, hectic.immutable);
COMMENT ON TABLE shop.order_state IS 'States of an order, in the order in which a customer sees them.';

CREATE TABLE shop.order_state_transition (
  from_state text NOT NULL REFERENCES shop.order_state,
  to_state   text NOT NULL REFERENCES shop.order_state,
  PRIMARY KEY (from_state, to_state),
  CHECK (from_state <> to_state)
) INHERITS (hectic.created_at, hectic.immutable);
COMMENT ON TABLE shop.order_state_transition IS 'Allowed state changes; see shop.enforce_order_state().';

CREATE TABLE billing.currency (
  code   text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
  name   text NOT NULL,
  symbol text NOT NULL
) INHERITS (hectic.created_at, hectic.immutable);
COMMENT ON TABLE billing.currency IS 'Currencies with two decimals (ISO 4217).';

CREATE TABLE billing.tax_rate (
  country_code text NOT NULL REFERENCES shop.country,
  kind         billing.tax_kind NOT NULL,
  valid_from   date NOT NULL,
  percent      numeric(5, 2) NOT NULL CHECK (percent BETWEEN 0 AND 100),
  PRIMARY KEY (country_code, kind, valid_from)
) INHERITS (hectic.created_at, hectic.immutable);
COMMENT ON COLUMN billing.tax_rate.valid_from IS 'First day; a rate holds until the next row of its country and kind.';
