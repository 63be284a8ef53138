-- From any version up to 0.3.0, which kept secrets as plain text. Runs after the first file of that
-- version and before the bundle. Renames the table; the second file needs it.

DO $secret$
BEGIN
  IF pg_catalog.to_regclass('hectic.secret') IS NULL THEN
    RETURN;
  END IF;
  IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE c.oid = 'hectic.secret'::pg_catalog.regclass AND c.relkind = 'r' AND NOT a.attisdropped
        AND a.attname IN ('key', 'value') AND t.typcategory = 'S') < 2 THEN
    RAISE EXCEPTION 'hectic.secret is not the table of an older bundle'
      USING ERRCODE = 'HC002', DETAIL = 'Expected a table with the text columns key and value.',
            HINT = 'If the dotenv file is at hand, DROP TABLE hectic.secret and load the file after the upgrade.';
  END IF;
  ALTER TABLE hectic.secret RENAME TO secret_plain;
END
$secret$;
