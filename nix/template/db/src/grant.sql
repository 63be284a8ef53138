GRANT USAGE ON SCHEMA shop, billing TO shop_app, shop_report;
GRANT SELECT ON ALL TABLES IN SCHEMA shop, billing TO shop_app, shop_report;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA shop, billing TO shop_app;
REVOKE UPDATE ON shop.stock_movement, billing.payment FROM shop_app;
