CREATE TABLE shop.customer (
  customer_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email       shop.email NOT NULL UNIQUE,
  full_name   text NOT NULL CHECK (full_name <> ''),
  closed_at   timestamptz
) INHERITS (hectic.created_at, hectic.updated_at);
COMMENT ON COLUMN shop.customer.closed_at IS 'Set when the account is closed; invoices keep the row alive.';

CREATE TABLE shop.customer_address (
  address_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id  bigint NOT NULL REFERENCES shop.customer ON DELETE CASCADE,
  country_code text NOT NULL REFERENCES shop.country,
  postal_code  text NOT NULL,
  city         text NOT NULL,
  street       text NOT NULL,
  is_default   boolean NOT NULL DEFAULT false,
  UNIQUE (address_id, customer_id)
) INHERITS (hectic.created_at);
-- At most one default address a customer.
CREATE UNIQUE INDEX customer_address_default_key ON shop.customer_address (customer_id) WHERE is_default;
