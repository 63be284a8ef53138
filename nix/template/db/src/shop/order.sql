CREATE TABLE shop.sales_order (
  order_id    bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES shop.customer,
  address_id  bigint NOT NULL,
  state       text NOT NULL DEFAULT 'new' REFERENCES shop.order_state,
  ordered_on  date NOT NULL DEFAULT current_date,
  -- An order goes to one of its own customer's addresses.
  FOREIGN KEY (address_id, customer_id) REFERENCES shop.customer_address (address_id, customer_id)
) INHERITS (hectic.created_at, hectic.updated_at);
CREATE INDEX sales_order_customer_idx ON shop.sales_order (customer_id, ordered_on DESC);
CREATE INDEX sales_order_open_idx ON shop.sales_order (ordered_on) WHERE state IN ('new', 'paid');

CREATE TABLE shop.sales_order_line (
  order_id         bigint NOT NULL REFERENCES shop.sales_order ON DELETE CASCADE,
  product_id       bigint NOT NULL REFERENCES shop.product,
  quantity         integer NOT NULL CHECK (quantity > 0),
  unit_price_cents billing.cents NOT NULL,
  amount_cents     bigint GENERATED ALWAYS AS (quantity * unit_price_cents) STORED,
  PRIMARY KEY (order_id, product_id)
) INHERITS (hectic.created_at);
COMMENT ON COLUMN shop.sales_order_line.unit_price_cents IS 'Net price on the day of the order.';

CREATE FUNCTION shop.enforce_order_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM shop.order_state_transition
                 WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'order % cannot go from % to %', OLD.order_id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER sales_order_state BEFORE UPDATE OF state ON shop.sales_order
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION shop.enforce_order_state();

CREATE FUNCTION shop.order_total_cents(p_order_id bigint) RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(sum(amount_cents), 0)::bigint FROM shop.sales_order_line WHERE order_id = p_order_id;
END;

CREATE FUNCTION shop.place_order(p_email text, p_items jsonb, p_ordered_on date DEFAULT current_date)
RETURNS bigint LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_order_id bigint;
  v_lines    integer;
BEGIN
  INSERT INTO shop.sales_order (customer_id, address_id, ordered_on)
  SELECT c.customer_id, a.address_id, p_ordered_on
  FROM shop.customer AS c
  JOIN shop.customer_address AS a ON a.customer_id = c.customer_id AND a.is_default
  WHERE c.email = p_email AND c.closed_at IS NULL
  RETURNING order_id INTO v_order_id;
  IF v_order_id IS NULL THEN
    RAISE EXCEPTION 'no open account with a default address for %', p_email USING ERRCODE = 'no_data_found';
  END IF;

  INSERT INTO shop.sales_order_line (order_id, product_id, quantity, unit_price_cents)
  SELECT v_order_id, p.product_id, item.value::integer, p.price_cents
  FROM jsonb_each_text(p_items) AS item
  JOIN shop.product AS p ON p.sku = item.key AND p.is_active;
  GET DIAGNOSTICS v_lines = ROW_COUNT;
  IF v_lines = 0 OR v_lines <> (SELECT count(*) FROM jsonb_object_keys(p_items)) THEN
    RAISE EXCEPTION 'order for % names an unknown product', p_email
      USING ERRCODE = 'no_data_found', DETAIL = p_items::text;
  END IF;

  INSERT INTO shop.stock_movement (product_id, quantity, reason)
  SELECT product_id, -quantity, 'sale' FROM shop.sales_order_line WHERE order_id = v_order_id;
  RETURN v_order_id;
END
$$;
COMMENT ON FUNCTION shop.place_order IS 'Places an order of {"SKU": quantity, …} to the default address; takes the goods from stock.';
