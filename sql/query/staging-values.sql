-- A template: a row as the constants of an INSERT.
'(' OPERATOR(pg_catalog.||) pg_catalog.concat_ws(', ', @cells@) OPERATOR(pg_catalog.||) ')'
