-- hectic.secret: values that functions and jobs inside the database need and sources must not hold.
--
-- The dotenv file stays the source of truth. Loading it replaces the whole set or, at the first
-- error, nothing. Readers call hectic.get_secret; to let a role read, GRANT it USAGE on the schema
-- and EXECUTE on that function. Nobody has either by default.
--
-- A dotenv file is full of things that must not be seen, so no message here holds a value, nor a
-- name that is malformed (it may be a piece of a value that lost its quotes): messages name the
-- line. The server's log would still print the statement that failed, literal and all, so the
-- loading function turns that off for itself where the role may (a superuser may).
--
-- The grammar is the tool's own (src/secret/dotenv.rs reads the same): no substitution, no commands,
-- no look-ups. Values pass through simple expressions only while they are parsed; a query would
-- carry them as constants in its plan, which auto_explain and debug_print_plan print.

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
    'The hectic bundle: version, secrets, migration history and the inheritance rules. Managed by db-tool.';
END
$guard$;

CREATE TABLE IF NOT EXISTS hectic.secret (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key        text        NOT NULL UNIQUE,
  value      text        NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
REVOKE ALL ON TABLE hectic.secret FROM PUBLIC;

-- IF NOT EXISTS says nothing about the shape of a table that is there already.
DO $shape$
BEGIN
  IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = 'hectic.secret'::pg_catalog.regclass AND NOT a.attisdropped
        AND a.attname IN ('id', 'key', 'value', 'updated_at')) < 4 THEN
    RAISE EXCEPTION 'hectic.secret has the shape of another bundle version'
      USING ERRCODE = 'HC002', HINT = 'Run `database bundle upgrade`.';
  END IF;
END
$shape$;

-- The body of a double-quoted value without its quotes, escapes resolved.
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

CREATE OR REPLACE FUNCTION hectic.load_secrets_from_env(env_content text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
AS $function$
DECLARE
  parsed   record;
  names    text[];
  contents text[];
BEGIN
  IF env_content IS NULL THEN
    RAISE EXCEPTION 'dotenv: NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  parsed := hectic.dotenv_parse(env_content);
  names := parsed.names;
  contents := parsed.contents;

  -- A second loader waits; readers go on with the old set until this one commits.
  LOCK TABLE hectic.secret IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM hectic.secret s WHERE s.key <> ALL (names);
  INSERT INTO hectic.secret AS s (key, value)
  SELECT entry.key, entry.value FROM unnest(names, contents) AS entry(key, value)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
  WHERE s.value <> excluded.value;
END
$function$;

CREATE OR REPLACE FUNCTION hectic.get_secret(k text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off
AS $function$
BEGIN
  RETURN (SELECT s.value FROM hectic.secret s WHERE s.key = k);
END
$function$;

-- A failing load must not have its statement, which may hold the file as a literal, in the log.
DO $quiet$
BEGIN
  IF pg_catalog.has_parameter_privilege('log_min_error_statement', 'SET') THEN
    ALTER FUNCTION hectic.load_secrets_from_env(text) SET log_min_error_statement = 'panic';
  END IF;
END
$quiet$;

REVOKE ALL ON FUNCTION hectic.dotenv_unescape(text, int) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.dotenv_parse(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.load_secrets_from_env(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.get_secret(text) FROM PUBLIC;

COMMENT ON SEQUENCE hectic.secret_id_seq IS 'Numbers hectic.secret.';
COMMENT ON CONSTRAINT secret_pkey ON hectic.secret IS 'A secret has one number.';
COMMENT ON INDEX hectic.secret_pkey IS 'Secrets by number.';
COMMENT ON CONSTRAINT secret_key_key ON hectic.secret IS 'A name stands for one secret.';
COMMENT ON INDEX hectic.secret_key_key IS 'Secrets by name.';
COMMENT ON TABLE hectic.secret IS 'Secrets loaded from a dotenv file. Read them with hectic.get_secret.';
COMMENT ON COLUMN hectic.secret.id IS 'Surrogate key.';
COMMENT ON COLUMN hectic.secret.key IS 'Name of the secret.';
COMMENT ON COLUMN hectic.secret.value IS 'The secret itself.';
COMMENT ON COLUMN hectic.secret.updated_at IS 'When the value last changed.';
COMMENT ON FUNCTION hectic.dotenv_unescape(text, int) IS
  'Resolves the escapes of a double-quoted dotenv value; the line number is for messages.';
COMMENT ON FUNCTION hectic.dotenv_parse(text) IS
  'Reads a dotenv text into names and their values. Messages name lines, never values.';
COMMENT ON FUNCTION hectic.load_secrets_from_env(text) IS
  'Replaces all secrets by the entries of a dotenv text; at the first error nothing changes.';
COMMENT ON FUNCTION hectic.get_secret(text) IS 'The value of a secret, null if there is none of that name.';
