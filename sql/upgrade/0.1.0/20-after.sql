-- From 0.1.0, second half: the bundle is in place, the secrets move in.
--
-- A view that reads the old table keeps it from being dropped; the error names the view, and
-- nothing has changed then. Grants on the old table end with it: readers need EXECUTE on
-- hectic.get_secret(text) and USAGE on the schema.

DO $secret$
BEGIN
  IF pg_catalog.to_regclass('hectic_upgrade.secret') IS NULL THEN
    RETURN;
  END IF;
  -- Whether the old table had updated_at is not known before it is looked at.
  INSERT INTO hectic.secret (key, value, updated_at)
  SELECT s.key, s.value,
         COALESCE((pg_catalog.to_jsonb(s) ->> 'updated_at')::timestamptz,
                  (pg_catalog.to_jsonb(s) ->> 'created_at')::timestamptz, pg_catalog.now())
  FROM hectic_upgrade.secret s
  WHERE s.value IS NOT NULL
  ORDER BY s.key;
  DROP TABLE hectic_upgrade.secret;
  DROP SCHEMA hectic_upgrade;
END
$secret$;
