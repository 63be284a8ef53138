SELECT pg_catalog.setval(@sequence@, pg_catalog.@last@(@column@)::bigint) FROM @table@
HAVING pg_catalog.@last@(@column@) @beyond@ (SELECT last_value FROM @name@);
