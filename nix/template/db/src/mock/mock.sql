-- Enough rows for lists to have pages and for plans to use indexes.
\if :{?mock_customers}
\else
  \set mock_customers 200
\endif

BEGIN;
INSERT INTO shop.category (name) VALUES ('Mock');
INSERT INTO shop.product (sku, category_id, name, price_cents)
SELECT format('MOCK-%s', lpad(n::text, 4, '0')), category_id, format('Mock product %s', n), 100 + n * 37 % 5000
FROM shop.category, generate_series(1, 50) AS n
WHERE name = 'Mock';

INSERT INTO shop.stock_movement (product_id, quantity, reason)
SELECT product_id, 10000, 'delivery' FROM shop.product WHERE sku LIKE 'MOCK-%';

INSERT INTO shop.customer (email, full_name)
SELECT format('customer%s@mock.example', n), format('Mock Customer %s', n) FROM generate_series(1, :mock_customers) AS n;

INSERT INTO shop.customer_address (customer_id, country_code, postal_code, city, street, is_default)
SELECT customer_id, 'DE', '10115', 'Berlin', format('Mockstraße %s', customer_id), true
FROM shop.customer WHERE email LIKE '%@mock.example';

SELECT count(shop.place_order(
         format('customer%s@mock.example', n),
         jsonb_build_object(format('MOCK-%s', lpad((n % 50 + 1)::text, 4, '0')), n % 5 + 1),
         current_date - n % 365)) AS mock_orders
FROM generate_series(1, :mock_customers) AS n;
COMMIT;
