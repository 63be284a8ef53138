-- A template: makes a database that has its content the template for clones.
COMMENT ON DATABASE @building@ IS @note@;
ALTER DATABASE @building@ RENAME TO @name@;
ALTER DATABASE @name@ IS_TEMPLATE true ALLOW_CONNECTIONS false;
