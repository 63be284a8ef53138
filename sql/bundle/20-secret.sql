-- hectic.secret: values that functions and jobs in the database need, and that sources must not
-- contain.
--
-- They are stored sealed, so that no data directory, dump, base backup or log shows them. They are
-- opened when a role that has the right asks. To let a role read, GRANT it USAGE on the schema and
-- EXECUTE on hectic.get_secret(text); for the view hectic.secret also SELECT on the view. By
-- default no role has these rights.
--
--   sealed = version (0x01) | key id (4 bytes) | nonce (12) | cipher text | tag (16)
--
-- with AES-256-GCM (15-aes-gcm.sql). The tag also authenticates the name, so a value does not open
-- under another name. The key id is the beginning of a hash of the key; it names the key that
-- sealed the value.
--
-- The keys are in a file outside the data directory: hectic.key beside it, one key a line. The
-- first key seals. The functions read the file with the rights of their owner, a superuser. The
-- server's configuration files can name another file, but no setting of a session can: the session
-- that chooses the file would choose the key. To rotate the key, put a new line in front, call
-- hectic.rekey_secrets() in every database, and remove the old line.
--
-- The rule of 15-aes-gcm.sql holds here: values and keys occur in simple expressions only. The
-- statements below contain names and sealed values. No message contains a value, or a malformed
-- name, which may be a piece of a value that lost its quotes. The server's log would still print a
-- failed statement with its literals. So functions with values as arguments turn that off for
-- themselves, if their owner may (a superuser may). A client that writes a value as a literal can
-- leak it to a log or a plan in other ways.
--
-- The dotenv file remains the source of the secrets. A load replaces all of them or, at the first
-- error, none. The grammar is db-tool's own (src/secret/dotenv.rs implements the same): no
-- substitution, no commands, no look-ups.
--
-- HC002: objects of another version. HC005: no key. HC006: a value is sealed with a key that is not
-- in the file.

-- The schema, and one application at a time: IF NOT EXISTS alone loses races. The lock lasts as
-- long as the transaction, so apply the file in one (sql/README.md).
DO $guard$
DECLARE
  schema_owner name;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(4855140131746767203);
  SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO schema_owner
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'hectic';

  IF NOT FOUND THEN
    IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
      RAISE EXCEPTION 'role % may not create the schema hectic in database %',
          current_user, pg_catalog.current_database()
        USING ERRCODE = 'insufficient_privilege',
              HINT = pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I, or apply the bundle as the database''s owner.',
                                       pg_catalog.current_database(), current_user);
    END IF;
    CREATE SCHEMA IF NOT EXISTS hectic;
  -- Whoever owns the schema can exchange what is in it, so a superuser's functions must not live
  -- in the schema of a lesser role.
  ELSIF NOT pg_catalog.pg_has_role(schema_owner, 'USAGE')
     OR (SELECT me.rolsuper AND NOT owner.rolsuper
         FROM pg_catalog.pg_roles me, pg_catalog.pg_roles owner
         WHERE me.rolname = current_user AND owner.rolname = schema_owner) THEN
    RAISE EXCEPTION 'the schema hectic belongs to role %, not to %', schema_owner, current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = pg_catalog.format('Apply the bundle as %I, or hand the schema over first: ALTER SCHEMA hectic OWNER TO %I.',
                                     schema_owner, current_user);
  END IF;
  COMMENT ON SCHEMA hectic IS
    'The hectic bundle: version, secrets, migration history and, if it is full, the inheritance rules. Managed by db-tool.';
END
$guard$;

-- A plain table of this name belongs to a bundle up to 0.3.0.
DO $shape$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_class c
             WHERE c.oid = pg_catalog.to_regclass('hectic.secret') AND c.relkind <> 'v')
     OR (pg_catalog.to_regclass('hectic.secret_sealed') IS NOT NULL
         AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = pg_catalog.to_regclass('hectic.secret_sealed') AND NOT a.attisdropped
                AND a.attname IN ('id', 'key', 'sealed', 'updated_at')) < 4) THEN
    RAISE EXCEPTION 'hectic.secret has the shape of another bundle version'
      USING ERRCODE = 'HC002', HINT = 'Run `database bundle upgrade`.';
  END IF;
END
$shape$;

CREATE OR REPLACE FUNCTION hectic.is_secret_name(name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN name ~ '^[A-Za-z_][A-Za-z0-9_.]*$' AND length(name) <= 128;
END
$function$;

CREATE TABLE IF NOT EXISTS hectic.secret_sealed (
  id         bigint      GENERATED ALWAYS AS IDENTITY
    CONSTRAINT secret_sealed_id UNIQUE,
  key        text        NOT NULL
    CONSTRAINT secret_sealed_pkey PRIMARY KEY
    CONSTRAINT secret_sealed_name CHECK (hectic.is_secret_name(key)),
  sealed     bytea       NOT NULL
    CONSTRAINT secret_sealed_format CHECK (
      pg_catalog.get_byte(sealed, 0) = 1 AND pg_catalog.octet_length(sealed) BETWEEN 33 AND 33 + 65536),
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
REVOKE ALL ON TABLE hectic.secret_sealed FROM PUBLIC;
-- Sealed values cannot be compressed.
ALTER TABLE hectic.secret_sealed ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- The body of a double-quoted value without its quotes. Escapes are replaced.
CREATE OR REPLACE FUNCTION hectic.dotenv_unescape(body text, line int) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  result    text := '';
  rest      text := body;
  backslash int;
  meaning   text;
BEGIN
  LOOP
    backslash := position('\' IN rest);
    EXIT WHEN backslash = 0;
    meaning := CASE substr(rest, backslash + 1, 1)
                 WHEN 'n' THEN E'\n' WHEN 'r' THEN E'\r' WHEN 't' THEN E'\t'
                 WHEN '\' THEN '\'   WHEN '"' THEN '"'   WHEN '$' THEN '$'
               END;
    IF meaning IS NULL THEN
      RAISE EXCEPTION 'dotenv line %: unknown escape in double quotes (known: \n \r \t \\ \" \$); single quotes keep backslashes', line
        USING ERRCODE = 'invalid_text_representation';
    END IF;
    result := result || left(rest, backslash - 1) || meaning;
    rest := substr(rest, backslash + 2);
  END LOOP;
  RETURN result || rest;
END
$function$;

-- The entries of a dotenv text, in order: names[i] has the value contents[i].
CREATE OR REPLACE FUNCTION hectic.dotenv_parse(content text, OUT names text[], OUT contents text[])
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  single    constant text := '''';
  double    constant text := '"';
  lines     text[];          -- the text, cut at line ends
  at        int := 1;        -- line being read
  first     int;             -- line on which the entry begins
  starts    int[] := '{}';   -- first line of every entry, for the message about duplicates
  parts     text[];
  name      text;
  rest      text;            -- what follows the "="
  quote     text;
  closed_by text;            -- a text that closes the quote matches: content, then what follows
  body      text;
  value     text;
  earlier   int;
BEGIN
  names := '{}';
  contents := '{}';
  IF octet_length(content) > 1048576 THEN
    RAISE EXCEPTION 'dotenv: larger than 1 MiB' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  -- A byte order mark, compared as bytes: databases in other encodings have no such character.
  IF convert_to(left(content, 1), 'UTF8') = '\xefbbbf' THEN
    content := substr(content, 2);
  END IF;
  lines := string_to_array(replace(content, E'\r\n', E'\n'), E'\n');

  WHILE at <= cardinality(lines) LOOP
    IF lines[at] ~ '^[ \t]*(#.*)?$' THEN
      at := at + 1;
      CONTINUE;
    END IF;
    first := at;

    -- "export" alone before the "=" is a name like any other.
    parts := regexp_match(lines[at], '^[ \t]*(?:export[ \t]+(?![= \t]))?([^= \t]*)[ \t]*=([ \t]*)(.*)$');
    IF parts IS NULL THEN
      RAISE EXCEPTION 'dotenv line %: expected NAME=value', first USING ERRCODE = 'invalid_text_representation';
    END IF;
    name := parts[1];
    rest := parts[3];
    IF name = '' THEN
      RAISE EXCEPTION 'dotenv line %: empty name', first USING ERRCODE = 'invalid_text_representation';
    END IF;
    IF name !~ '^[A-Za-z_][A-Za-z0-9_.]*$' OR length(name) > 128 THEN
      RAISE EXCEPTION 'dotenv line %: invalid name (letters, digits, "_" and ".", not starting with a digit or ".", at most 128)', first
        USING ERRCODE = 'invalid_text_representation';
    END IF;
    earlier := array_position(names, name);
    IF earlier IS NOT NULL THEN
      RAISE EXCEPTION 'dotenv line %: duplicate name % (first on line %)', first, name, starts[earlier]
        USING ERRCODE = 'invalid_text_representation';
    END IF;

    quote := left(rest, 1);
    IF quote IN (single, double) THEN
      -- Only double quotes know escapes, so a backslash hides the next quote only there. Lines
      -- are tried one by one (each is short) and joined when the closing one is found.
      closed_by := CASE quote WHEN single THEN '^([^'']*)''(.*)$' ELSE '^((?:[^"\\]|\\.)*)"(.*)$' END;
      body := '';
      parts := regexp_match(substr(rest, 2), closed_by);
      IF parts IS NULL THEN
        body := substr(rest, 2) || E'\n';
      END IF;
      WHILE parts IS NULL LOOP
        at := at + 1;
        IF at > cardinality(lines) THEN
          RAISE EXCEPTION 'dotenv line %: unterminated % quote', first, CASE quote WHEN single THEN 'single' ELSE 'double' END
            USING ERRCODE = 'invalid_text_representation';
        END IF;
        parts := regexp_match(lines[at], closed_by);
        IF parts IS NULL THEN
          body := body || lines[at] || E'\n';
        END IF;
      END LOOP;
      IF parts[2] !~ '^[ \t]*([ \t]#.*)?$' THEN
        RAISE EXCEPTION 'dotenv line %: text after the closing quote', at USING ERRCODE = 'invalid_text_representation';
      END IF;
      value := body || parts[1];
      IF quote = double THEN
        value := hectic.dotenv_unescape(value, first);
      END IF;
    ELSE
      -- Unquoted. The blanks after "=" count when a comment needs one before it.
      value := btrim(regexp_replace(parts[2] || rest, '[ \t]#.*$', ''), E' \t');
      IF position(E'\r' IN value) > 0 THEN
        RAISE EXCEPTION 'dotenv line %: stray carriage return', first USING ERRCODE = 'invalid_text_representation';
      END IF;
    END IF;
    IF octet_length(convert_to(value, 'UTF8')) > 65536 THEN
      RAISE EXCEPTION 'dotenv line %: value larger than 65536 bytes', first USING ERRCODE = 'program_limit_exceeded';
    END IF;

    names := array_append(names, name);
    contents := array_append(contents, value);
    starts := array_append(starts, first);
    at := at + 1;
  END LOOP;
END
$function$;

-- Keys ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hectic.secret_key_file() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  beside text;
  named  text;
BEGIN
  IF NOT (pg_has_role('pg_read_all_settings', 'USAGE') AND pg_has_role('pg_read_server_files', 'USAGE')
          AND has_function_privilege('pg_catalog.pg_read_binary_file(text)', 'EXECUTE')
          AND has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'EXECUTE')) THEN
    RAISE EXCEPTION 'the functions for secrets belong to role %, which may not read the key file', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('As a superuser: ALTER SCHEMA hectic OWNER TO CURRENT_USER, then apply the bundle again. '
                          'Or let the role read files: GRANT pg_read_all_settings, pg_read_server_files TO %1$I; '
                          'GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text), pg_catalog.pg_stat_file(text, boolean) TO %1$I.',
                          current_user);
  END IF;
  beside := regexp_replace(current_setting('data_directory'), '/[^/]*$', '') || '/hectic.key';
  IF (pg_stat_file(beside, true)).size IS NOT NULL THEN
    RETURN beside;
  END IF;

  -- What the files say, not what the setting is: a session can set that.
  IF has_table_privilege('pg_catalog.pg_file_settings', 'SELECT') THEN
    SELECT f.setting INTO named FROM pg_file_settings f
    WHERE f.name = 'hectic.secret_key_file' AND f.error IS NULL ORDER BY f.seqno DESC LIMIT 1;
  END IF;
  IF named IS NULL THEN
    RAISE EXCEPTION 'there is no key for the secrets: % does not exist', beside
      USING ERRCODE = 'HC005',
            HINT = format('`database hydrate` makes one for a server on its machine. Elsewhere, as the user that the server runs as: '
                          'sh -c ''umask 077; openssl rand -hex 32 > %s''. A key in another place is named by '
                          'hectic.secret_key_file in postgresql.conf.', beside);
  END IF;
  IF named NOT LIKE '/%' OR (pg_stat_file(named, true)).size IS NULL THEN
    RAISE EXCEPTION 'there is no key for the secrets: hectic.secret_key_file in the server''s configuration names no file'
      USING ERRCODE = 'HC005', HINT = 'It takes the absolute path of a file that exists.';
  END IF;
  RETURN named;
END
$function$;

CREATE OR REPLACE FUNCTION hectic.secret_keys() RETURNS bytea[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  file constant text := hectic.secret_key_file();
  line text;
  at   int := 0;
  keys bytea[] := '{}';
BEGIN
  IF (pg_stat_file(file, true)).size > 65536 THEN
    RAISE EXCEPTION 'the key file % is larger than any key file', file USING ERRCODE = 'HC005';
  END IF;
  FOREACH line IN ARRAY string_to_array(encode(pg_read_binary_file(file), 'escape'), E'\n') LOOP
    at := at + 1;
    line := btrim(line, E' \t\r');
    CONTINUE WHEN line = '' OR left(line, 1) = '#';
    IF line !~ '^[0-9A-Fa-f]{64}$' THEN
      RAISE EXCEPTION 'line % of the key file % is no key', at, file
        USING ERRCODE = 'HC005', HINT = 'A line is a key of 64 hexadecimal digits, a comment that begins with "#", or blank.';
    END IF;
    keys := array_append(keys, decode(line, 'hex'));
  END LOOP;
  IF keys = '{}' THEN
    RAISE EXCEPTION 'the key file % holds no key', file
      USING ERRCODE = 'HC005', HINT = 'A line of 64 hexadecimal digits is a key; `openssl rand -hex 32` makes one.';
  END IF;
  RETURN keys;
END
$function$;

CREATE OR REPLACE FUNCTION hectic.secret_key_id(key bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN substr(sha256('hectic.secret.key-id:'::bytea || key), 1, 4);
END
$function$;

-- Sealing and opening ------------------------------------------------------------------------

-- PostgreSQL's random numbers come as UUIDs, in which six bits are fixed. Two of them have enough
-- random bits.
CREATE OR REPLACE FUNCTION hectic.secret_seal(keys bytea[], name text, value text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  nonce constant bytea := substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 12);
  plain constant bytea := convert_to(value, 'UTF8');
BEGIN
  IF length(plain) > 65536 THEN
    RAISE EXCEPTION 'the value of secret "%" is larger than 65536 bytes', name USING ERRCODE = 'program_limit_exceeded';
  END IF;
  RETURN '\x01'::bytea || hectic.secret_key_id(keys[1]) || nonce
      || hectic.gcm_seal(keys[1], nonce, convert_to('hectic.secret.v1:' || name, 'UTF8'), plain);
END
$function$;

-- An exception could show bytes of a value that is no valid text, so another exception replaces it.
CREATE OR REPLACE FUNCTION hectic.secret_open(keys bytea[], name text, sealed bytea) RETURNS text
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  key   bytea;
  known boolean := false;
  plain bytea;
BEGIN
  IF length(sealed) < 33 OR get_byte(sealed, 0) <> 1 THEN
    RAISE EXCEPTION 'secret "%" has a format that this bundle does not know', name USING ERRCODE = 'data_corrupted';
  END IF;
  FOREACH key IN ARRAY keys LOOP
    CONTINUE WHEN hectic.secret_key_id(key) <> substr(sealed, 2, 4);
    known := true;
    plain := hectic.gcm_open(key, substr(sealed, 6, 12), convert_to('hectic.secret.v1:' || name, 'UTF8'), substr(sealed, 18));
    EXIT WHEN plain IS NOT NULL;
  END LOOP;
  IF NOT known THEN
    RAISE EXCEPTION 'secret "%" is sealed with key %, which the key file does not hold', name, encode(substr(sealed, 2, 4), 'hex')
      USING ERRCODE = 'HC006', HINT = 'Add that key as a further line of the key file, or load the secrets again.';
  ELSIF plain IS NULL THEN
    RAISE EXCEPTION 'secret "%" does not open: its sealed value was changed, or belongs to another name', name
      USING ERRCODE = 'data_corrupted', HINT = 'Load the secrets again.';
  END IF;
  BEGIN
    RETURN convert_from(plain, 'UTF8');
  EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    NULL;
  END;
  RAISE EXCEPTION 'secret "%" is no text in the encoding of this database', name USING ERRCODE = 'untranslatable_character';
END
$function$;

-- An unchanged value keeps its sealed form and its time.
CREATE OR REPLACE FUNCTION hectic.secret_seal_if_changed(keys bytea[], name text, value text) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  sealed_before bytea;
  plain constant bytea := convert_to(value, 'UTF8');
BEGIN
  SELECT s.sealed INTO sealed_before FROM hectic.secret_sealed s WHERE s.key = name;
  IF length(sealed_before) = length(plain) + 33
     AND substr(sealed_before, 2, 4) = hectic.secret_key_id(keys[1])
     AND hectic.gcm_open(keys[1], substr(sealed_before, 6, 12), convert_to('hectic.secret.v1:' || name, 'UTF8'),
                         substr(sealed_before, 18)) = plain THEN
    RETURN sealed_before;
  END IF;
  RETURN hectic.secret_seal(keys, name, value);
END
$function$;

-- Readers use the old set until the transaction commits. A second loader waits.
CREATE OR REPLACE FUNCTION hectic.replace_sealed_secrets(names text[], sealed bytea[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  LOCK TABLE hectic.secret_sealed IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM hectic.secret_sealed s WHERE s.key <> ALL (names);
  INSERT INTO hectic.secret_sealed AS s (key, sealed)
  SELECT entry.key, entry.sealed FROM unnest(names, sealed) AS entry(key, sealed)
  ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, updated_at = now()
  WHERE s.sealed <> excluded.sealed;
END
$function$;

-- For others --------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION hectic.get_secret(k text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  sealed_value bytea;
BEGIN
  SELECT s.sealed INTO sealed_value FROM hectic.secret_sealed s WHERE s.key = k;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN hectic.secret_open(hectic.secret_keys(), k, sealed_value);
END
$function$;

CREATE OR REPLACE FUNCTION hectic.set_secret(k text, v text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  sealed_value bytea;
BEGIN
  IF k IS NULL OR v IS NULL THEN
    RAISE EXCEPTION 'a secret has a name and a value, neither of them null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF NOT hectic.is_secret_name(k) THEN
    RAISE EXCEPTION 'that is no name for a secret (letters, digits, "_" and ".", not starting with a digit or ".", at most 128)'
      USING ERRCODE = 'invalid_text_representation';
  END IF;
  sealed_value := hectic.secret_seal_if_changed(hectic.secret_keys(), k, v);
  INSERT INTO hectic.secret_sealed AS s (key, sealed) VALUES (k, sealed_value)
  ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, updated_at = now()
  WHERE s.sealed <> excluded.sealed;
END
$function$;

CREATE OR REPLACE FUNCTION hectic.delete_secret(k text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  DELETE FROM hectic.secret_sealed s WHERE s.key = k;
  RETURN FOUND;
END
$function$;

CREATE OR REPLACE FUNCTION hectic.load_secrets_from_env(env_content text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  parsed   record;
  names    text[];
  contents text[];
  keys     bytea[];
  sealed   bytea[] := '{}';
BEGIN
  IF env_content IS NULL THEN
    RAISE EXCEPTION 'dotenv: NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  parsed := hectic.dotenv_parse(env_content);
  names := parsed.names;
  contents := parsed.contents;
  -- No secrets need no key.
  IF names <> '{}' THEN
    keys := hectic.secret_keys();
  END IF;
  LOCK TABLE hectic.secret_sealed IN SHARE ROW EXCLUSIVE MODE;
  FOR i IN 1 .. cardinality(names) LOOP
    sealed[i] := hectic.secret_seal_if_changed(keys, names[i], contents[i]);
  END LOOP;
  PERFORM hectic.replace_sealed_secrets(names, sealed);
END
$function$;

CREATE OR REPLACE FUNCTION hectic.load_sealed_secrets(names text[], sealed bytea[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  keys   bytea[];
  head   bytea;
  nonces bytea[];
  data   bytea[];
  texts  bytea[];
  opens  boolean;
  value  text;
BEGIN
  IF names IS NULL OR sealed IS NULL OR array_position(names, NULL) IS NOT NULL OR array_position(sealed, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'a secret has a name and a value, neither of them null' USING ERRCODE = 'null_value_not_allowed';
  ELSIF cardinality(names) <> cardinality(sealed) OR array_ndims(names) > 1 OR array_ndims(sealed) > 1
        OR array_lower(names, 1) <> 1 OR array_lower(sealed, 1) <> 1 THEN
    RAISE EXCEPTION '% names do not go with % sealed values', cardinality(names), cardinality(sealed)
      USING ERRCODE = 'array_subscript_error';
  END IF;
  IF names <> '{}' THEN
    keys := hectic.secret_keys();
    head := '\x01'::bytea || hectic.secret_key_id(keys[1]);
    opens := getdatabaseencoding() = 'UTF8';
  END IF;
  FOR i IN 1 .. cardinality(names) LOOP
    IF NOT hectic.is_secret_name(names[i]) THEN
      RAISE EXCEPTION 'name % is none for a secret (letters, digits, "_" and ".", not starting with a digit or ".", at most 128)', i
        USING ERRCODE = 'invalid_text_representation';
    ELSIF array_position(names, names[i]) < i THEN
      RAISE EXCEPTION 'secret "%" is given twice', names[i] USING ERRCODE = 'unique_violation';
    END IF;
    opens := opens AND substr(sealed[i], 1, 5) = head;
    nonces[i] := substr(sealed[i], 6, 12);
    data[i] := convert_to('hectic.secret.v1:' || names[i], 'UTF8');
    texts[i] := substr(sealed[i], 18);
  END LOOP;
  -- Mostly all are sealed with the first key, and one look at their tags is enough. Otherwise each is
  -- opened, which tells what is wrong with the first that does not.
  opens := opens AND hectic.gcm_vouches(keys[1], nonces, data, texts);
  FOR i IN 1 .. cardinality(names) LOOP
    EXIT WHEN opens;
    value := hectic.secret_open(keys, names[i], sealed[i]);
  END LOOP;
  PERFORM hectic.replace_sealed_secrets(names, sealed);
  RETURN cardinality(names);
END
$function$;

-- The values do not change, so their times do not, either.
CREATE OR REPLACE FUNCTION hectic.rekey_secrets() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  keys      bytea[];
  active_id bytea;
  secret    record;
  resealed  bytea;
  count     int := 0;
BEGIN
  LOCK TABLE hectic.secret_sealed IN SHARE ROW EXCLUSIVE MODE;
  IF NOT EXISTS (SELECT FROM hectic.secret_sealed) THEN
    RETURN 0;
  END IF;
  keys := hectic.secret_keys();
  active_id := hectic.secret_key_id(keys[1]);
  FOR secret IN SELECT s.key, s.sealed FROM hectic.secret_sealed s WHERE substr(s.sealed, 2, 4) <> active_id LOOP
    resealed := hectic.secret_seal(keys, secret.key, hectic.secret_open(keys, secret.key, secret.sealed));
    UPDATE hectic.secret_sealed s SET sealed = resealed WHERE s.key = secret.key;
    count := count + 1;
  END LOOP;
  RETURN count;
END
$function$;

-- For SELECT value FROM hectic.secret WHERE key = '…'. The security barrier keeps conditions of a
-- query, which might leak values, from rows that the query does not select. Only the selected
-- values are opened.
CREATE OR REPLACE VIEW hectic.secret WITH (security_barrier) AS
  SELECT s.id, s.key, hectic.get_secret(s.key) AS value, s.updated_at
  FROM hectic.secret_sealed s;
REVOKE ALL ON TABLE hectic.secret FROM PUBLIC;

-- If a call fails, its statement must not be logged, because it may contain values as literals.
DO $quiet$
BEGIN
  IF pg_catalog.has_parameter_privilege('log_min_error_statement', 'SET') THEN
    ALTER FUNCTION hectic.load_secrets_from_env(text) SET log_min_error_statement = 'panic';
    ALTER FUNCTION hectic.set_secret(text, text) SET log_min_error_statement = 'panic';
  END IF;
END
$quiet$;

REVOKE ALL ON FUNCTION hectic.is_secret_name(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.dotenv_unescape(text, int) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.dotenv_parse(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_key_file() FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_keys() FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_key_id(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_seal(bytea[], text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_open(bytea[], text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.secret_seal_if_changed(bytea[], text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.replace_sealed_secrets(text[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.get_secret(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.set_secret(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.delete_secret(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.load_secrets_from_env(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.load_sealed_secrets(text[], bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.rekey_secrets() FROM PUBLIC;

COMMENT ON TABLE hectic.secret_sealed IS 'The secrets, sealed. Names, lengths and times are plain. Read them with hectic.get_secret.';
COMMENT ON COLUMN hectic.secret_sealed.id IS 'Surrogate key.';
COMMENT ON COLUMN hectic.secret_sealed.key IS 'Name of the secret.';
COMMENT ON COLUMN hectic.secret_sealed.sealed IS
  'Version (0x01), key id (4 bytes), nonce (12), cipher text, tag (16): AES-256-GCM; the tag vouches for the name.';
COMMENT ON COLUMN hectic.secret_sealed.updated_at IS 'When the value last changed.';
COMMENT ON SEQUENCE hectic.secret_sealed_id_seq IS 'Numbers hectic.secret_sealed.';
COMMENT ON CONSTRAINT secret_sealed_id ON hectic.secret_sealed IS 'A secret has one number.';
COMMENT ON INDEX hectic.secret_sealed_id IS 'Secrets by number.';
COMMENT ON CONSTRAINT secret_sealed_pkey ON hectic.secret_sealed IS 'A name stands for one secret.';
COMMENT ON INDEX hectic.secret_sealed_pkey IS 'Secrets by name.';
COMMENT ON CONSTRAINT secret_sealed_name ON hectic.secret_sealed IS 'Names as in a dotenv file.';
COMMENT ON CONSTRAINT secret_sealed_format ON hectic.secret_sealed IS 'A sealed value of at most 65536 bytes.';
COMMENT ON VIEW hectic.secret IS 'The secrets, each opened when its value is asked for. That takes EXECUTE on hectic.get_secret(text), too.';
COMMENT ON COLUMN hectic.secret.id IS 'Surrogate key.';
COMMENT ON COLUMN hectic.secret.key IS 'Name of the secret.';
COMMENT ON COLUMN hectic.secret.value IS 'The secret itself.';
COMMENT ON COLUMN hectic.secret.updated_at IS 'When the value last changed.';
COMMENT ON FUNCTION hectic.is_secret_name(text) IS 'Whether a secret can have this name: as in a dotenv file, at most 128 characters.';
COMMENT ON FUNCTION hectic.dotenv_unescape(text, int) IS
  'Resolves the escapes of a double-quoted dotenv value; the line number is for messages.';
COMMENT ON FUNCTION hectic.dotenv_parse(text) IS
  'Reads a dotenv text into names and their values. Messages name lines, never values.';
COMMENT ON FUNCTION hectic.secret_key_file() IS
  'Path of the key file: hectic.key beside the data directory, else hectic.secret_key_file of the configuration files.';
COMMENT ON FUNCTION hectic.secret_keys() IS 'The keys in the key file, in order; the first one seals.';
COMMENT ON FUNCTION hectic.secret_key_id(bytea) IS 'The four bytes that tell in a sealed value which key it was sealed with.';
COMMENT ON FUNCTION hectic.secret_seal(bytea[], text, text) IS 'A value, sealed for its name with the first of the keys.';
COMMENT ON FUNCTION hectic.secret_open(bytea[], text, bytea) IS
  'The value of a sealed secret; an error unless one of the keys opens it under this name.';
COMMENT ON FUNCTION hectic.secret_seal_if_changed(bytea[], text, text) IS
  'A value as it is sealed in the table already, or newly sealed when it is another or under another key.';
COMMENT ON FUNCTION hectic.replace_sealed_secrets(text[], bytea[]) IS 'Makes these sealed values, under their names, the whole set.';
COMMENT ON FUNCTION hectic.get_secret(text) IS 'The value of a secret, null if there is none of that name.';
COMMENT ON FUNCTION hectic.set_secret(text, text) IS
  'Seals and stores one secret. A literal in the call can end up in logs and in pg_stat_activity: pass parameters.';
COMMENT ON FUNCTION hectic.delete_secret(text) IS 'Removes one secret; false if there was none of that name.';
COMMENT ON FUNCTION hectic.load_secrets_from_env(text) IS
  'Replaces all secrets by the entries of a dotenv text; at the first error nothing changes.';
COMMENT ON FUNCTION hectic.load_sealed_secrets(text[], bytea[]) IS
  'Replaces all secrets by values that were sealed elsewhere; each has to open under its name, or nothing changes. Returns how many.';
COMMENT ON FUNCTION hectic.rekey_secrets() IS
  'Seals with the first key what is sealed with another; returns how many secrets that were.';
