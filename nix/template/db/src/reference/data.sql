BEGIN;
SET LOCAL hectic.migration_mode = 'on';

-- \copy takes no variables; its path starts at the project root.
\copy shop.country (code, name, is_eu) FROM 'db/src/reference/country.csv' WITH (FORMAT csv, HEADER match)

INSERT INTO shop.order_state (state, position, is_final) VALUES
  ('new', 1, false), ('paid', 2, false), ('shipped', 3, false), ('completed', 4, true), ('cancelled', 5, true);

INSERT INTO shop.order_state_transition (from_state, to_state) VALUES
  ('new', 'paid'), ('new', 'cancelled'), ('paid', 'shipped'), ('paid', 'cancelled'), ('shipped', 'completed');

INSERT INTO billing.currency (code, name, symbol) VALUES
  ('CHF', 'Swiss franc', 'Fr.'), ('EUR', 'Euro', '€'), ('USD', 'US dollar', '$');

INSERT INTO billing.tax_rate (country_code, kind, valid_from, percent) VALUES
  ('AT', 'standard', '2016-01-01', 20.0), ('AT', 'reduced', '2016-01-01', 10.0),
  ('CH', 'standard', '2018-01-01', 7.7),  ('CH', 'reduced', '2018-01-01', 2.5),
  ('CH', 'standard', '2024-01-01', 8.1),  ('CH', 'reduced', '2024-01-01', 2.6),
  ('DE', 'standard', '2007-01-01', 19.0), ('DE', 'reduced', '2007-01-01', 7.0),
  ('DE', 'standard', '2020-07-01', 16.0), ('DE', 'reduced', '2020-07-01', 5.0),
  ('DE', 'standard', '2021-01-01', 19.0), ('DE', 'reduced', '2021-01-01', 7.0),
  ('ES', 'standard', '2012-09-01', 21.0), ('ES', 'reduced', '2012-09-01', 10.0),
  ('FR', 'standard', '2014-01-01', 20.0), ('FR', 'reduced', '2014-01-01', 5.5),
  ('NL', 'standard', '2012-10-01', 21.0), ('NL', 'reduced', '2019-01-01', 9.0);

INSERT INTO billing.tax_rate (country_code, kind, valid_from, percent)
SELECT code, 'zero', '2000-01-01', 0 FROM shop.country;
COMMIT;
