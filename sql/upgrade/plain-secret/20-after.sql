-- From any version up to 0.3.0. Runs after the bundle: seals the secrets and stores them in the new
-- table.
--
-- A name that the bundle refuses may be a piece of a value that lost its quotes, because the shell
-- tools read dotenv files in that way. So the error counts such names but does not show them, and
-- nothing is changed. The same holds if there is no key. Without secrets no key is needed.
--
-- A view that reads the old table prevents the upgrade; the error names the view, and nothing is
-- changed. Grants on the old table are lost: readers then need EXECUTE on hectic.get_secret(text)
-- and USAGE on the schema.
--
-- Values occur in simple expressions only, as in all files. The query of the loop reads them, but
-- its text contains none.

DO $secret$
DECLARE
  refused int;
  keys    bytea[];
  old     record;
  resting bytea;
  sealed  int := 0;
BEGIN
  IF pg_catalog.to_regclass('hectic.secret_plain') IS NULL THEN
    RETURN;
  END IF;
  SELECT pg_catalog.count(*) INTO refused FROM hectic.secret_plain s
  WHERE hectic.is_secret_name(s.key) IS NOT TRUE
     OR pg_catalog.octet_length(pg_catalog.convert_to(s.value, 'UTF8')) > 65536;
  IF refused > 0 THEN
    RAISE EXCEPTION '% of the secrets stored as plain text have names or sizes that this bundle does not take', refused
      USING ERRCODE = 'check_violation',
            DETAIL = 'A name is of letters, digits, "_" and ".", does not start with a digit or ".", and has at most 128 characters; '
                     'a value has at most 65536 bytes. Such a name may be a piece of a value, so none is shown.',
            HINT = 'Correct or delete those rows of hectic.secret; or, with the dotenv file at hand, '
                   'TRUNCATE hectic.secret, upgrade and load the file.';
  END IF;

  -- Whether the old table had updated_at is not known before it is looked at.
  FOR old IN
    SELECT s.key, s.value,
           COALESCE((pg_catalog.to_jsonb(s) ->> 'updated_at')::timestamptz,
                    (pg_catalog.to_jsonb(s) ->> 'created_at')::timestamptz, pg_catalog.now()) AS updated_at
    FROM hectic.secret_plain s
    WHERE s.value IS NOT NULL
    ORDER BY s.key
  LOOP
    keys := COALESCE(keys, hectic.secret_keys());
    resting := hectic.secret_seal(keys, old.key, old.value);
    INSERT INTO hectic.secret_sealed (key, sealed, updated_at) VALUES (old.key, resting, old.updated_at);
    sealed := sealed + 1;
  END LOOP;
  DROP TABLE hectic.secret_plain;

  IF sealed > 0 THEN
    RAISE WARNING 'the secrets are sealed now, but what was stored as plain text can still be found in the write-ahead log, in statistics, in freed space of the disk and in older backups and dumps'
      USING HINT = 'VACUUM FULL pg_catalog.pg_statistic; CHECKPOINT; SELECT pg_catalog.pg_switch_wal(); CHECKPOINT. '
                   'Backups and the disk keep what they have, so change the secrets where they come from.';
  END IF;
END
$secret$;
