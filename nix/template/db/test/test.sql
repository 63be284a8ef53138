-- Plain SQL that prints TAP. Each test brings its own rows and all is rolled back.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
BEGIN;
CREATE TEMP SEQUENCE test_number;
GRANT USAGE ON SEQUENCE test_number TO PUBLIC; -- one test runs as another role

CREATE FUNCTION pg_temp.ok(passed boolean, description text) RETURNS text LANGUAGE sql AS $$
  SELECT format('%s %s - %s', CASE WHEN passed THEN 'ok' ELSE 'not ok' END, nextval('test_number'), description);
$$;

CREATE FUNCTION pg_temp.is(actual anyelement, expected anyelement, description text) RETURNS text LANGUAGE sql AS $$
  SELECT pg_temp.ok(actual IS NOT DISTINCT FROM expected, description)
         || CASE WHEN actual IS DISTINCT FROM expected THEN format(E'\n# got %s, expected %s', actual, expected) ELSE '' END;
$$;

-- Passes when the statement raises the SQLSTATE; its effects are undone either way.
CREATE FUNCTION pg_temp.throws(statement text, state text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_state text;
BEGIN
  BEGIN
    EXECUTE statement;
    RAISE EXCEPTION 'nothing raised' USING ERRCODE = 'ZZ000';
  EXCEPTION WHEN OTHERS THEN
    v_state := SQLSTATE;
  END;
  RETURN pg_temp.is(v_state, state, description);
END
$$;

INSERT INTO shop.category (name) VALUES ('Test');
INSERT INTO shop.product (sku, category_id, name, price_cents, tax_kind)
SELECT v.sku, category_id, v.name, v.price, v.kind::billing.tax_kind
FROM shop.category,
     (VALUES ('TST-0001', 'Test lamp', 1999, 'standard'), ('TST-0002', 'Test book', 1005, 'reduced')) AS v (sku, name, price, kind)
WHERE category.name = 'Test';
INSERT INTO shop.stock_movement (product_id, quantity, reason)
SELECT product_id, 10, 'delivery' FROM shop.product WHERE sku LIKE 'TST-%';
INSERT INTO shop.customer (email, full_name, updated_at) VALUES ('tess@test.example', 'Tess Tester', '2020-01-01');
INSERT INTO shop.customer_address (customer_id, country_code, postal_code, city, street, is_default)
SELECT customer_id, 'DE', '20095', 'Hamburg', 'Testweg 1', true FROM shop.customer WHERE email = 'tess@test.example';
SELECT shop.place_order('tess@test.example', '{"TST-0001": 3, "TST-0002": 1}') AS placed \gset

\echo 1..26
-- Orders and stock
SELECT pg_temp.is(shop.order_total_cents(:placed), 7002::bigint, 'an order totals quantity times price');
SELECT pg_temp.is(shop.order_total_cents(-1), 0::bigint, 'an unknown order totals nothing');
SELECT pg_temp.is((SELECT on_hand FROM shop.product WHERE sku = 'TST-0001'), 7, 'an order takes goods from stock');
SELECT pg_temp.is((SELECT (lines, net_cents, is_final)::text FROM shop.order_summary WHERE order_id = :placed),
                  '(2,7002,f)', 'order_summary counts lines and cents');
SELECT pg_temp.throws($$SELECT shop.place_order('tess@test.example', '{"TST-0001": 8}')$$, '23514', 'stock cannot be oversold');
SELECT pg_temp.throws($$SELECT shop.place_order('nobody@test.example', '{"TST-0001": 1}')$$, 'P0002', 'an unknown customer cannot order');
SELECT pg_temp.throws($$SELECT shop.place_order('tess@test.example', '{"XXX-0000": 1}')$$, 'P0002', 'an unknown product cannot be ordered');
SELECT pg_temp.throws(format('UPDATE shop.sales_order SET state = %L WHERE order_id = %s', 'completed', :placed),
                      '23514', 'a new order cannot be completed at once');
SELECT pg_temp.throws(format('SELECT billing.issue_invoice(%s)', :placed), '55000', 'an order is not invoiced before it is shipped');
INSERT INTO shop.stock_movement (product_id, quantity, reason)
SELECT product_id, -4, 'correction' FROM shop.product WHERE sku = 'TST-0001';
SELECT pg_temp.ok(EXISTS (SELECT FROM shop.low_stock WHERE sku = 'TST-0001')
                  AND NOT EXISTS (SELECT FROM shop.low_stock WHERE sku = 'TST-0002'), 'low_stock lists products below five');

-- Invoices
SELECT pg_temp.is(billing.tax_percent('DE', 'standard', '2020-12-31'), 16.00, 'the tax rate is the one of the day');
SELECT pg_temp.is(billing.tax_percent('DE', 'standard', '1990-01-01'), NULL, 'no tax rate before the first');
UPDATE shop.sales_order SET state = 'paid' WHERE order_id = :placed;
UPDATE shop.sales_order SET state = 'shipped' WHERE order_id = :placed;
SELECT pg_temp.throws(format('SELECT billing.issue_invoice(%s, %L)', :placed, '1990-01-01'), '23502', 'no invoice without a tax rate');
SELECT billing.issue_invoice(:placed, '2020-12-15') AS number \gset
SELECT pg_temp.ok(:'number' ~ '^2020-[0-9]{5}$', 'an invoice number starts with its year');
SELECT pg_temp.is((SELECT (net_cents, tax_cents, gross_cents, due_on)::text FROM billing.invoice WHERE number = :'number'),
                  '(7002,1010,8012,2020-12-29)', 'tax is rounded once a kind, payment is due in 14 days');
SELECT pg_temp.throws(format('SELECT billing.issue_invoice(%s)', :placed), '23505', 'an order is invoiced once');
INSERT INTO billing.payment (invoice_id, method, amount_cents, received_on)
SELECT invoice_id, 'transfer', 8000, '2020-12-20' FROM billing.invoice WHERE number = :'number';
SELECT pg_temp.is((SELECT open_cents FROM billing.open_invoice WHERE number = :'number'), 12::numeric, 'a part payment leaves the rest open');
INSERT INTO billing.payment (invoice_id, method, amount_cents, received_on)
SELECT invoice_id, 'cash', 12, '2020-12-22' FROM billing.invoice WHERE number = :'number';
SELECT pg_temp.is((SELECT paid_on FROM billing.invoice WHERE number = :'number'), '2020-12-22', 'the last payment settles the invoice');

-- Constraints and what the hectic parents promise
SELECT pg_temp.throws($$INSERT INTO shop.customer (email, full_name) VALUES ('Tess@Test.example', 'T')$$, '23514', 'an e-mail is in lower case');
SELECT pg_temp.throws($$INSERT INTO shop.customer_address (customer_id, country_code, postal_code, city, street, is_default)
  SELECT customer_id, 'DE', '1', 'x', 'y', true FROM shop.customer WHERE email = 'tess@test.example'$$,
  '23505', 'a customer has one default address');
UPDATE shop.customer SET full_name = 'Tess T.' WHERE email = 'tess@test.example';
SELECT pg_temp.ok(updated_at >= now(), 'an update sets updated_at') FROM shop.customer WHERE email = 'tess@test.example';
SELECT pg_temp.throws($$UPDATE billing.tax_rate SET percent = 0$$, '55000', 'tax rates are immutable');
SELECT pg_temp.throws($$INSERT INTO shop.country (code, name, is_eu) VALUES ('XX', 'Nowhere', false)$$, '55000', 'countries are immutable');
SET LOCAL hectic.migration_mode = 'on';
INSERT INTO shop.country (code, name, is_eu) VALUES ('XX', 'Nowhere', false);
SELECT pg_temp.ok(EXISTS (SELECT FROM shop.country WHERE code = 'XX'), 'a migration may add a country');
SET LOCAL hectic.migration_mode = 'off';
SELECT pg_temp.throws($$CREATE TABLE shop.stray (id integer)$$, '42P16', 'a table must inherit created_at');
SET LOCAL ROLE shop_app;
SELECT pg_temp.throws($$DELETE FROM billing.invoice$$, '42501', 'the application cannot delete invoices');
RESET ROLE;
ROLLBACK;
