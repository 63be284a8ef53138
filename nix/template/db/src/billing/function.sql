CREATE FUNCTION billing.tax_percent(p_country text, p_kind billing.tax_kind, p_on date) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT percent FROM billing.tax_rate
  WHERE country_code = p_country AND kind = p_kind AND valid_from <= p_on
  ORDER BY valid_from DESC LIMIT 1;
END;

CREATE FUNCTION billing.issue_invoice(p_order_id bigint, p_issued_on date DEFAULT current_date)
RETURNS text LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_number text;
BEGIN
  IF NOT EXISTS (SELECT FROM shop.sales_order
                 WHERE order_id = p_order_id AND state IN ('shipped', 'completed')) THEN
    RAISE EXCEPTION 'order % is not shipped', p_order_id
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Ship the order first.';
  END IF;

  -- The counter row stays locked until commit: numbers are given in order.
  INSERT INTO billing.invoice_counter AS c (year, last_number)
  VALUES (extract(year FROM p_issued_on), 1)
  ON CONFLICT (year) DO UPDATE SET last_number = c.last_number + 1
  RETURNING format('%s-%s', year, lpad(last_number::text, 5, '0')) INTO v_number;

  -- Tax is rounded once a kind, as the tax offices want it; a missing rate makes
  -- the whole tax null, which the table refuses.
  INSERT INTO billing.invoice (number, order_id, net_cents, tax_cents, issued_on, due_on)
  SELECT v_number, p_order_id, sum(net),
         CASE WHEN every(percent IS NOT NULL) THEN sum(round(net * percent / 100)) END,
         p_issued_on, p_issued_on + 14
  FROM (SELECT sum(l.amount_cents) AS net,
               billing.tax_percent(a.country_code, p.tax_kind, p_issued_on) AS percent
        FROM shop.sales_order AS o
        JOIN shop.customer_address AS a USING (address_id)
        JOIN shop.sales_order_line AS l USING (order_id)
        JOIN shop.product AS p USING (product_id)
        WHERE o.order_id = p_order_id
        GROUP BY a.country_code, p.tax_kind) AS by_kind;
  RETURN v_number;
END
$$;
COMMENT ON FUNCTION billing.issue_invoice IS 'Invoices a shipped order, due in 14 days; returns the invoice number.';

CREATE FUNCTION billing.settle_invoice() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE billing.invoice AS i SET paid_on = NEW.received_on
  WHERE i.invoice_id = NEW.invoice_id AND i.paid_on IS NULL
    AND i.gross_cents <= (SELECT sum(amount_cents) FROM billing.payment AS p WHERE p.invoice_id = i.invoice_id);
  RETURN NULL;
END
$$;
CREATE TRIGGER payment_settle AFTER INSERT ON billing.payment
  FOR EACH ROW EXECUTE FUNCTION billing.settle_invoice();
