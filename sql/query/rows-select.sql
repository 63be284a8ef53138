-- A template: rows as arrays of text, ordered by their key, byte by byte.
SELECT ARRAY[@cells@]::text[] AS cells FROM ONLY @table@@order@
