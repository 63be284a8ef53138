CREATE TABLE shop.category (
  category_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id   bigint REFERENCES shop.category,
  name        text NOT NULL,
  UNIQUE NULLS NOT DISTINCT (parent_id, name)
) INHERITS (hectic.created_at);

CREATE TABLE shop.product (
  product_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku           shop.sku NOT NULL UNIQUE,
  category_id   bigint NOT NULL REFERENCES shop.category,
  name          text NOT NULL CHECK (name <> ''),
  price_cents   billing.cents NOT NULL,
  currency_code text NOT NULL DEFAULT :'shop_currency' REFERENCES billing.currency,
  tax_kind      billing.tax_kind NOT NULL DEFAULT 'standard',
  attributes    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  on_hand       integer NOT NULL DEFAULT 0 CONSTRAINT product_on_hand_not_negative CHECK (on_hand >= 0),
  is_active     boolean NOT NULL DEFAULT true,
  search        tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, name)) STORED
) INHERITS (hectic.created_at, hectic.updated_at);
COMMENT ON COLUMN shop.product.price_cents IS 'Net price; the tax depends on where the order goes.';
COMMENT ON COLUMN shop.product.on_hand IS 'Sum of the stock movements, kept by shop.apply_stock_movement().';
CREATE INDEX product_search_idx ON shop.product USING gin (search);
CREATE INDEX product_active_category_idx ON shop.product (category_id) WHERE is_active;

CREATE TABLE shop.stock_movement (
  stock_movement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id        bigint NOT NULL REFERENCES shop.product,
  quantity          integer NOT NULL CHECK (quantity <> 0),
  reason            shop.stock_reason NOT NULL,
  CHECK (reason = 'correction' OR (quantity < 0) = (reason = 'sale'))
) INHERITS (hectic.created_at);
COMMENT ON TABLE shop.stock_movement IS 'Journal: rows are added, never changed. Sales are negative.';
CREATE INDEX stock_movement_product_idx ON shop.stock_movement (product_id);

CREATE FUNCTION shop.apply_stock_movement() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE shop.product SET on_hand = on_hand + NEW.quantity WHERE product_id = NEW.product_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER stock_movement_apply AFTER INSERT ON shop.stock_movement
  FOR EACH ROW EXECUTE FUNCTION shop.apply_stock_movement();
