CREATE VIEW billing.open_invoice AS
SELECT i.number, c.email, i.due_on, i.gross_cents, i.gross_cents - coalesce(sum(p.amount_cents), 0) AS open_cents
FROM billing.invoice AS i
JOIN shop.sales_order AS o USING (order_id)
JOIN shop.customer AS c USING (customer_id)
LEFT JOIN billing.payment AS p USING (invoice_id)
WHERE i.paid_on IS NULL
GROUP BY i.invoice_id, c.email;
COMMENT ON VIEW billing.open_invoice IS 'Invoices not fully paid, with what is missing.';

CREATE MATERIALIZED VIEW billing.monthly_revenue AS
SELECT date_trunc('month', issued_on)::date AS month, currency_code, count(*) AS invoices, sum(net_cents) AS net_cents
FROM billing.invoice
GROUP BY 1, 2;
-- REFRESH MATERIALIZED VIEW CONCURRENTLY needs a unique index.
CREATE UNIQUE INDEX monthly_revenue_key ON billing.monthly_revenue (month, currency_code);
