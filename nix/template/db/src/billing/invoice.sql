CREATE TABLE billing.invoice_counter (
  year        integer PRIMARY KEY,
  last_number integer NOT NULL CHECK (last_number > 0)
) INHERITS (hectic.created_at);
COMMENT ON TABLE billing.invoice_counter IS 'Invoice numbers must have no gaps, which a sequence cannot promise.';

CREATE TABLE billing.invoice (
  invoice_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number        text NOT NULL UNIQUE CHECK (number ~ '^[0-9]{4}-[0-9]{5}$'),
  order_id      bigint NOT NULL UNIQUE REFERENCES shop.sales_order,
  currency_code text NOT NULL DEFAULT :'shop_currency' REFERENCES billing.currency,
  net_cents     billing.cents NOT NULL,
  tax_cents     billing.cents NOT NULL,
  gross_cents   bigint GENERATED ALWAYS AS (net_cents + tax_cents) STORED,
  issued_on     date NOT NULL,
  due_on        date NOT NULL,
  paid_on       date,
  CONSTRAINT invoice_due_after_issue CHECK (due_on >= issued_on)
) INHERITS (hectic.created_at, hectic.updated_at);
CREATE INDEX invoice_unpaid_idx ON billing.invoice (due_on) WHERE paid_on IS NULL;

CREATE TABLE billing.payment (
  payment_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invoice_id   bigint NOT NULL REFERENCES billing.invoice,
  method       billing.payment_method NOT NULL,
  amount_cents billing.cents NOT NULL CHECK (amount_cents > 0),
  received_on  date NOT NULL DEFAULT current_date
) INHERITS (hectic.created_at);
CREATE INDEX payment_invoice_idx ON billing.payment (invoice_id);
