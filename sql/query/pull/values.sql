-- A template: a row as the constants of an INSERT. It uses an array, because a function takes at
-- most a hundred arguments.
'(' OPERATOR(pg_catalog.||) pg_catalog.array_to_string(ARRAY[@cells@]::pg_catalog.text[], ', ') OPERATOR(pg_catalog.||) ')'
