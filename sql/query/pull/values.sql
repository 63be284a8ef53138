-- A template: a row as the constants of an INSERT. A function has a hundred arguments at most, an array any number.
'(' OPERATOR(pg_catalog.||) pg_catalog.array_to_string(ARRAY[@cells@]::pg_catalog.text[], ', ') OPERATOR(pg_catalog.||) ')'
