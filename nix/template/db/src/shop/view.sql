CREATE VIEW shop.order_summary AS
SELECT o.order_id, c.email, o.state, s.is_final, o.ordered_on, count(l.product_id) AS lines,
       shop.order_total_cents(o.order_id) AS net_cents
FROM shop.sales_order AS o
JOIN shop.customer AS c USING (customer_id)
JOIN shop.order_state AS s USING (state)
LEFT JOIN shop.sales_order_line AS l USING (order_id)
GROUP BY o.order_id, c.email, s.is_final;
COMMENT ON VIEW shop.order_summary IS 'One row an order, for the order list.';

CREATE VIEW shop.low_stock AS
SELECT sku, name, on_hand FROM shop.product WHERE is_active AND on_hand < 5;
