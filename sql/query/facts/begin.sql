-- Opens the transaction that reads facts. It uses one snapshot for all queries and fixes every
-- setting that affects how the server prints definitions and values.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL quote_all_identifiers = off;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL xmloption = 'content';
SET LOCAL xmlbinary = 'base64';
SET LOCAL lc_monetary = 'C';
SET LOCAL jit = off;
-- rows that a policy hides raise an error instead of causing differences
SET LOCAL row_security = off;
