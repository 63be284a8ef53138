CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'Catalogue, customers and orders.';
CREATE SCHEMA billing;
COMMENT ON SCHEMA billing IS 'Invoices, payments and taxes.';

CREATE DOMAIN shop.email AS text
  CHECK (VALUE = lower(VALUE) AND VALUE ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$');
COMMENT ON DOMAIN shop.email IS 'E-mail address in lower case, so that equality is identity.';

CREATE DOMAIN shop.sku AS text CHECK (VALUE ~ '^[A-Z]{3,4}-[0-9]{4}$');
COMMENT ON DOMAIN shop.sku IS 'Stock keeping unit, such as TEA-0001.';

CREATE DOMAIN billing.cents AS bigint CHECK (VALUE >= 0);
COMMENT ON DOMAIN billing.cents IS 'Amount in hundredths of the currency unit; never negative.';

CREATE TYPE shop.stock_reason AS ENUM ('delivery', 'sale', 'return', 'correction');
CREATE TYPE billing.tax_kind AS ENUM ('standard', 'reduced', 'zero');
CREATE TYPE billing.payment_method AS ENUM ('card', 'transfer', 'cash');
