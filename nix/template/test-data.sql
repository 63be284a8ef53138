-- A small shop to work with; applied by `database patch` after the schema.
-- Rows find each other by their natural keys, so nothing depends on ids.
BEGIN;
INSERT INTO shop.category (name) VALUES ('Drinks'), ('Kitchen');
INSERT INTO shop.category (parent_id, name)
SELECT category_id, 'Tea' FROM shop.category WHERE name = 'Drinks' AND parent_id IS NULL;

INSERT INTO shop.product (sku, category_id, name, price_cents, tax_kind, attributes)
SELECT v.sku, c.category_id, v.name, v.price_cents, v.tax_kind::billing.tax_kind, v.attributes::jsonb
FROM (VALUES
  ('TEA-0001', 'Tea', 'Darjeeling First Flush, 100 g', 1290, 'reduced', '{"origin": "India"}'),
  ('TEA-0002', 'Tea', 'Sencha, 100 g', 990, 'reduced', '{"origin": "Japan"}'),
  ('POT-0001', 'Kitchen', 'Cast-iron teapot, 0.8 l', 5900, 'standard', '{"colour": "black"}'),
  ('MUG-0001', 'Kitchen', 'Stoneware mug', 1450, 'standard', '{"colour": "grey", "dishwasher": true}')
) AS v (sku, category, name, price_cents, tax_kind, attributes)
JOIN shop.category AS c ON c.name = v.category;

INSERT INTO shop.stock_movement (product_id, quantity, reason)
SELECT product_id, CASE WHEN sku = 'POT-0001' THEN 6 ELSE 80 END, 'delivery'
FROM shop.product WHERE sku IN ('TEA-0001', 'TEA-0002', 'POT-0001', 'MUG-0001');

INSERT INTO shop.customer (email, full_name) VALUES
  ('anna.berger@example.at', 'Anna Berger'),
  ('jose.nunez@example.es', 'José Núñez'),
  ('urs.keller@example.ch', 'Urs Keller'),
  ('lotte.devries@example.nl', 'Lotte de Vries');

INSERT INTO shop.customer_address (customer_id, country_code, postal_code, city, street, is_default)
SELECT c.customer_id, v.country_code, v.postal_code, v.city, v.street, v.is_default
FROM (VALUES
  ('anna.berger@example.at', 'AT', '1070', 'Wien', 'Neubaugasse 12', true),
  ('anna.berger@example.at', 'DE', '80331', 'München', 'Sendlinger Straße 3', false),
  ('jose.nunez@example.es', 'ES', '41001', 'Sevilla', 'Calle Sierpes 40', true),
  ('urs.keller@example.ch', 'CH', '8001', 'Zürich', 'Rennweg 7', true),
  ('lotte.devries@example.nl', 'NL', '3511', 'Utrecht', 'Oudegracht 99', true)
) AS v (email, country_code, postal_code, city, street, is_default)
JOIN shop.customer AS c USING (email);

SELECT shop.place_order('anna.berger@example.at', '{"TEA-0001": 2, "POT-0001": 1}', '2024-03-04') AS anna \gset
SELECT shop.place_order('urs.keller@example.ch', '{"MUG-0001": 4, "TEA-0002": 1}', '2024-03-18') AS urs \gset
SELECT shop.place_order('jose.nunez@example.es', '{"POT-0001": 1}', '2024-04-02') AS jose \gset
SELECT shop.place_order('lotte.devries@example.nl', '{"TEA-0002": 3}', '2024-04-05') AS lotte \gset

UPDATE shop.sales_order SET state = 'paid' WHERE order_id IN (:anna, :urs, :jose);
UPDATE shop.sales_order SET state = 'shipped' WHERE order_id IN (:anna, :urs);
UPDATE shop.sales_order SET state = 'cancelled' WHERE order_id = :lotte;
SELECT billing.issue_invoice(:anna, '2024-03-06');
SELECT billing.issue_invoice(:urs, '2024-03-20');

INSERT INTO billing.payment (invoice_id, method, amount_cents, received_on)
SELECT invoice_id, 'card', gross_cents, '2024-03-07' FROM billing.invoice WHERE order_id = :anna;
INSERT INTO billing.payment (invoice_id, method, amount_cents, received_on)
SELECT invoice_id, 'transfer', 2000, '2024-03-29' FROM billing.invoice WHERE order_id = :urs;
UPDATE shop.sales_order SET state = 'completed' WHERE order_id = :anna;
COMMIT;

REFRESH MATERIALIZED VIEW billing.monthly_revenue;
