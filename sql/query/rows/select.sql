-- A template: rows as arrays of text, in order.
SELECT ARRAY[@cells@]::text[] AS cells FROM ONLY @table@ ORDER BY @order@
