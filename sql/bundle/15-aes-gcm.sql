-- hectic.gcm_*: AES-256-GCM in plpgsql, for the secrets of 20-secret.sql.
--
-- A secret must be sealed where it is stored, and readable in SQL, in any database, before the
-- project's own CREATE EXTENSION runs. PostgreSQL has hashes and random numbers but no cipher. The
-- extension pgcrypto has no authenticated mode, and belongs to the role that created it. So the
-- cipher is written here. It makes and reads the same bytes as any other AES-256-GCM (FIPS 197,
-- NIST SP 800-38D). Its counterpart in db-tool is src/secret/cipher.rs.
--
--   plain text   16 bytes     16 bytes     rest          data (vouched for, not encrypted)
--                   |            |           |             |
--   keystream    E(nonce,2)  E(nonce,3)  E(nonce,4)        |      xor
--                   |            |           |             |
--   cipher text  16 bytes     16 bytes     rest            |
--                   +------------+-----------+------+------+
--                                                   |
--   tag          E(nonce,1)  xor  GHASH, under E(0), of data, cipher text and both lengths
--
-- The parts:
--
-- * AES (hectic.aes_ecb) encrypts blocks of 16 bytes, in 14 rounds. A round replaces each byte of
--   the state (the S-box), moves bytes between its four columns and mixes each column. For one byte
--   all of that is a look-up in a table of 256 words; a column is the xor of four of those and of
--   the round key. The tables follow from the definition of the S-box, so they are computed when
--   this file is applied, not written down. Counter mode never decrypts a block.
-- * Counter mode (hectic.gcm_keystream) encrypts nonce and counter. The xor with this keystream
--   encrypts a text; a second xor decrypts it. A nonce must not occur twice under one key, so the
--   caller makes it of random bytes.
-- * GHASH (hectic.ghash) reads the message as a polynomial over the field of 2^128 elements and
--   evaluates it at a secret point. Without the point, nobody can change the message and keep the
--   result.
-- * hectic.gcm_seal and hectic.gcm_open combine these parts.
--
-- The rule of this file and of the next: plain text, keys and keystream occur in simple expressions
-- only (assignment, IF, RETURN), never in an SQL statement or a subquery. PostgreSQL plans those
-- with the values of the variables in them, and auto_explain and debug_print_plan show the plan to
-- the log and to the caller. A simple expression gets its values when it runs. So none of these
-- functions has a SELECT.
--
-- There is no protection from a process on the same machine that can time single table look-ups,
-- and none from a superuser, who can read the key as well.

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

-- Does the cipher exist already? The self test at the end must compile all of its functions. It is
-- left out if the application of this file changes nothing.
DO $before$
BEGIN
  PERFORM pg_catalog.set_config('hectic.aes_gcm_before', (
    SELECT pg_catalog.md5(pg_catalog.string_agg(p.prosrc, '' ORDER BY p.proname)) FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace AND p.proname ~ '^(aes|gcm|ghash|xor|whole)_?'), true);
END
$before$;

-- The tables of AES: the S-box, and for each of the four places in a column the contribution of a
-- byte there to the column after a round. A function keeps them as constants.
DO $tables$
DECLARE
  powers  int[] := '{}';   -- of 3, among the polynomials modulo x^8+x^4+x^3+x+1: all but zero
  power   int := 1;
  x       int;
  inverse int;
  s       int;             -- x through the S-box, and twice and three times that
  s2      int;
  s3      int;
  sbox    bytea := pg_catalog.decode(pg_catalog.repeat('00', 256), 'hex');
  t0      int[] := pg_catalog.array_fill(0, '{256}', '{0}');
  t1      int[] := t0;
  t2      int[] := t0;
  t3      int[] := t0;
BEGIN
  FOR i IN 0..255 LOOP
    powers[i] := power;
    power := power # (power << 1) # ((power >> 7) * 283);
  END LOOP;
  FOR i IN 0..255 LOOP
    -- 3^i and 3^(255-i) are each other's inverse. Zero has none and counts as its own; it takes
    -- the place of i = 255, where 3^0 comes again.
    x       := CASE i WHEN 255 THEN 0 ELSE powers[i] END;
    inverse := CASE i WHEN 255 THEN 0 ELSE powers[255 - i] * 257 END;  -- twice, to rotate by shifts
    s  := ((inverse # (inverse >> 4) # (inverse >> 5) # (inverse >> 6) # (inverse >> 7)) & 255) # 99;
    s2 := (s << 1) # ((s >> 7) * 283);
    s3 := s2 # s;
    sbox  := pg_catalog.set_byte(sbox, x, s);
    t0[x] := (s2 << 24) | (s  << 16) | (s  << 8) | s3;
    t1[x] := (s3 << 24) | (s2 << 16) | (s  << 8) | s;
    t2[x] := (s  << 24) | (s3 << 16) | (s2 << 8) | s;
    t3[x] := (s  << 24) | (s  << 16) | (s3 << 8) | s2;
  END LOOP;
  EXECUTE pg_catalog.format($create$
    CREATE OR REPLACE FUNCTION hectic.aes_tables(OUT sbox bytea, OUT t0 int[], OUT t1 int[], OUT t2 int[], OUT t3 int[])
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
    BEGIN
      sbox := %L;
      t0 := %L;
      t1 := %L;
      t2 := %L;
      t3 := %L;
    END
    $function$ $create$, sbox, t0, t1, t2, t3);
END
$tables$;

CREATE OR REPLACE FUNCTION hectic.aes_ecb(key bytea, blocks bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  tables constant record := hectic.aes_tables();
  sbox   constant bytea  := tables.sbox;
  t0     constant int[]  := tables.t0;
  t1     constant int[]  := tables.t1;
  t2     constant int[]  := tables.t2;
  t3     constant int[]  := tables.t3;
  k      int[] := '{}';       -- the key and what follows from it: four words for each round
  word   int;
  factor int := 1;
  at     int;
  a int; b int; c int; d int; -- the columns of the state, and what they become
  e int; f int; g int; h int;
  part   bytea := '';         -- results, collected in two steps: a long text is not copied so often
  result bytea := '';
BEGIN
  IF length(key) <> 32 OR length(blocks) % 16 <> 0 THEN
    RAISE EXCEPTION 'AES-256 takes a key of 32 bytes and blocks of 16' USING ERRCODE = 'invalid_parameter_value';
  END IF;

  FOR i IN 0..59 LOOP
    IF i < 8 THEN
      k[i] := ('x' || encode(substr(key, 4 * i + 1, 4), 'hex'))::bit(32)::int;
      CONTINUE;
    END IF;
    word := k[i - 1];
    IF i % 8 = 0 THEN
      word := ((get_byte(sbox, (word >> 16) & 255) # factor) << 24) | (get_byte(sbox, (word >> 8) & 255) << 16)
           | (get_byte(sbox, word & 255) << 8) | get_byte(sbox, (word >> 24) & 255);
      factor := factor << 1;
    ELSIF i % 8 = 4 THEN
      word := (get_byte(sbox, (word >> 24) & 255) << 24) | (get_byte(sbox, (word >> 16) & 255) << 16)
           | (get_byte(sbox, (word >> 8) & 255) << 8) | get_byte(sbox, word & 255);
    END IF;
    k[i] := k[i - 8] # word;
  END LOOP;

  FOR block IN 0 .. length(blocks) / 16 - 1 LOOP
    at := 16 * block + 1;
    a := ('x' || encode(substr(blocks, at,      4), 'hex'))::bit(32)::int # k[0];
    b := ('x' || encode(substr(blocks, at + 4,  4), 'hex'))::bit(32)::int # k[1];
    c := ('x' || encode(substr(blocks, at + 8,  4), 'hex'))::bit(32)::int # k[2];
    d := ('x' || encode(substr(blocks, at + 12, 4), 'hex'))::bit(32)::int # k[3];
    -- Two rounds at a time, so that the columns come back to their names.
    FOR pair IN 0..5 LOOP
      at := 8 * pair + 4;
      e := t0[(a >> 24) & 255] # t1[(b >> 16) & 255] # t2[(c >> 8) & 255] # t3[d & 255] # k[at];
      f := t0[(b >> 24) & 255] # t1[(c >> 16) & 255] # t2[(d >> 8) & 255] # t3[a & 255] # k[at + 1];
      g := t0[(c >> 24) & 255] # t1[(d >> 16) & 255] # t2[(a >> 8) & 255] # t3[b & 255] # k[at + 2];
      h := t0[(d >> 24) & 255] # t1[(a >> 16) & 255] # t2[(b >> 8) & 255] # t3[c & 255] # k[at + 3];
      a := t0[(e >> 24) & 255] # t1[(f >> 16) & 255] # t2[(g >> 8) & 255] # t3[h & 255] # k[at + 4];
      b := t0[(f >> 24) & 255] # t1[(g >> 16) & 255] # t2[(h >> 8) & 255] # t3[e & 255] # k[at + 5];
      c := t0[(g >> 24) & 255] # t1[(h >> 16) & 255] # t2[(e >> 8) & 255] # t3[f & 255] # k[at + 6];
      d := t0[(h >> 24) & 255] # t1[(e >> 16) & 255] # t2[(f >> 8) & 255] # t3[g & 255] # k[at + 7];
    END LOOP;
    e := t0[(a >> 24) & 255] # t1[(b >> 16) & 255] # t2[(c >> 8) & 255] # t3[d & 255] # k[52];
    f := t0[(b >> 24) & 255] # t1[(c >> 16) & 255] # t2[(d >> 8) & 255] # t3[a & 255] # k[53];
    g := t0[(c >> 24) & 255] # t1[(d >> 16) & 255] # t2[(a >> 8) & 255] # t3[b & 255] # k[54];
    h := t0[(d >> 24) & 255] # t1[(a >> 16) & 255] # t2[(b >> 8) & 255] # t3[c & 255] # k[55];
    -- The last round does not mix the columns.
    a := (get_byte(sbox, (e >> 24) & 255) << 24) | (get_byte(sbox, (f >> 16) & 255) << 16)
       | (get_byte(sbox, (g >> 8) & 255) << 8) | get_byte(sbox, h & 255);
    b := (get_byte(sbox, (f >> 24) & 255) << 24) | (get_byte(sbox, (g >> 16) & 255) << 16)
       | (get_byte(sbox, (h >> 8) & 255) << 8) | get_byte(sbox, e & 255);
    c := (get_byte(sbox, (g >> 24) & 255) << 24) | (get_byte(sbox, (h >> 16) & 255) << 16)
       | (get_byte(sbox, (e >> 8) & 255) << 8) | get_byte(sbox, f & 255);
    d := (get_byte(sbox, (h >> 24) & 255) << 24) | (get_byte(sbox, (e >> 16) & 255) << 16)
       | (get_byte(sbox, (f >> 8) & 255) << 8) | get_byte(sbox, g & 255);
    part := part || int4send(a # k[56]) || int4send(b # k[57]) || int4send(c # k[58]) || int4send(d # k[59]);
    IF length(part) >= 1024 THEN
      result := result || part;
      part := '';
    END IF;
  END LOOP;
  RETURN result || part;
END
$function$;

-- The exclusive or of two texts of the same length. PostgreSQL has xor for bit strings. Their
-- binary form is the length in four bytes, followed by the bits.
CREATE OR REPLACE FUNCTION hectic.xor_bytes(a bytea, b bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN substr(varbit_send(('x' || encode(a, 'hex'))::varbit # ('x' || encode(b, 'hex'))::varbit), 5);
END
$function$;

-- A text, padded with zeros to complete blocks.
CREATE OR REPLACE FUNCTION hectic.whole_blocks(content bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN content || substr('\x00000000000000000000000000000000'::bytea, 1, (16 - length(content) % 16) % 16);
END
$function$;

-- Polynomials are multiplied like numbers, but without carries. PostgreSQL multiplies only numbers,
-- so the factors leave room for the carries: of each word of 32 bits, only every fourth bit is
-- taken. In the product each bit is then a sum of at most eight, which fits into the four bits up
-- to the next one. The lowest of the four is the sum without carries. The xor of four such products
-- gives every fourth bit of the complete product; sixteen products give all bits. The products stay
-- below 2^63.
--
-- A block of 128 bits has four such words. Karatsuba's rule makes nine products of words instead of
-- sixteen: (a,b)(e,f) needs ae, bf and (a+b)(e+f), since ae + bf + (a+b)(e+f) = af + be.
--
-- GHASH numbers bits from the left: the first one is the coefficient of x^0. So the product of two
-- words comes out one place too far to the right, and the factor h is divided by x beforehand. To
-- reduce the product of 255 bits, x^128 = x^7 + x^2 + x + 1 is substituted, for 64 bits at a time.
CREATE OR REPLACE FUNCTION hectic.ghash(h bytea, blocks bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  every1 constant bigint := x'1111111111111111'::bigint;
  every2 constant bigint := x'2222222222222222'::bigint;
  every4 constant bigint := x'4444444444444444'::bigint;
  every8 constant bigint := x'8888888888888888'::bigint;
  low    constant bigint := x'00000000ffffffff'::bigint;
  hh     bigint := ('x' || encode(substr(h, 1, 8), 'hex'))::bit(64)::bigint;
  hl     bigint := ('x' || encode(substr(h, 9, 8), 'hex'))::bit(64)::bigint;
  first  bigint;
  a bigint; b bigint; c bigint; d bigint;     -- words of a block
  x      bigint;
  x1 bigint; x2 bigint; x4 bigint; x8 bigint; -- every fourth bit of x
  h1 bigint[]; h2 bigint[]; h4 bigint[]; h8 bigint[];
  words  bigint[];
  p      bigint[] := '{}';                    -- the nine products
  middle bigint;
  v3 bigint; v2 bigint; v1 bigint; v0 bigint; -- their sum, 256 bits
  m1 bigint; m0 bigint;
  yh     bigint := 0;                         -- the hash so far
  yl     bigint := 0;
BEGIN
  -- Division by x: every bit one to the left, and x^-1 = x^127 + x^6 + x + 1 for the one that falls out.
  first := (hh >> 63) & 1;
  hh := (hh << 1) | ((hl >> 63) & 1);
  hl := (hl << 1) | first;
  hh := hh # (first << 63) # (first << 62) # (first << 57);

  a := (hh >> 32) & low;  b := hh & low;  c := (hl >> 32) & low;  d := hl & low;
  words := ARRAY[a, b, a # b, c, d, c # d, a # c, b # d, a # b # c # d];
  FOR i IN 1..9 LOOP
    x := words[i];
    h1[i] := x & every1;  h2[i] := x & every2;  h4[i] := x & every4;  h8[i] := x & every8;
  END LOOP;

  FOR block IN 0 .. length(blocks) / 16 - 1 LOOP
    yh := yh # ('x' || encode(substr(blocks, 16 * block + 1, 8), 'hex'))::bit(64)::bigint;
    yl := yl # ('x' || encode(substr(blocks, 16 * block + 9, 8), 'hex'))::bit(64)::bigint;
    a := (yh >> 32) & low;  b := yh & low;  c := (yl >> 32) & low;  d := yl & low;
    words := ARRAY[a, b, a # b, c, d, c # d, a # c, b # d, a # b # c # d];
    FOR i IN 1..9 LOOP
      x := words[i];
      x1 := x & every1;  x2 := x & every2;  x4 := x & every4;  x8 := x & every8;
      p[i] := (((x1 * h1[i]) # (x2 * h8[i]) # (x4 * h4[i]) # (x8 * h2[i])) & every1)
            | (((x1 * h2[i]) # (x2 * h1[i]) # (x4 * h8[i]) # (x8 * h4[i])) & every2)
            | (((x1 * h4[i]) # (x2 * h2[i]) # (x4 * h1[i]) # (x8 * h8[i])) & every4)
            | (((x1 * h8[i]) # (x2 * h4[i]) # (x4 * h2[i]) # (x8 * h1[i])) & every8);
    END LOOP;

    middle := p[1] # p[2] # p[3];
    v3 := p[1] # (middle >> 32);
    v2 := p[2] # (middle << 32);
    middle := p[4] # p[5] # p[6];
    v1 := p[4] # (middle >> 32);
    v0 := p[5] # (middle << 32);
    middle := p[7] # p[8] # p[9];
    m1 := v3 # v1 # p[7] # (middle >> 32);
    m0 := v2 # v0 # p[8] # (middle << 32);
    v2 := v2 # m1;
    v1 := v1 # m0;

    -- >> repeats the sign, so that is cut off.
    v2 := v2 # v0 # ((v0 >> 1) & x'7fffffffffffffff'::bigint) # ((v0 >> 2) & x'3fffffffffffffff'::bigint)
             # ((v0 >> 7) & x'01ffffffffffffff'::bigint);
    v1 := v1 # (v0 << 63) # (v0 << 62) # (v0 << 57);
    yh := v3 # v1 # ((v1 >> 1) & x'7fffffffffffffff'::bigint) # ((v1 >> 2) & x'3fffffffffffffff'::bigint)
             # ((v1 >> 7) & x'01ffffffffffffff'::bigint);
    yl := v2 # (v1 << 63) # (v1 << 62) # (v1 << 57);
  END LOOP;
  RETURN int8send(yh) || int8send(yl);
END
$function$;

-- E(0), E(nonce,1), E(nonce,2), … up to the keystream of a text of this length.
CREATE OR REPLACE FUNCTION hectic.gcm_keystream(key bytea, nonce bytea, size int) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  part     bytea := '\x00000000000000000000000000000000';
  counters bytea := '';
BEGIN
  IF length(nonce) <> 12 THEN
    RAISE EXCEPTION 'a nonce has 12 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  FOR counter IN 1 .. 1 + (size + 15) / 16 LOOP
    part := part || nonce || int4send(counter);
    IF length(part) >= 1024 THEN
      counters := counters || part;
      part := '';
    END IF;
  END LOOP;
  RETURN hectic.aes_ecb(key, counters || part);
END
$function$;

-- The tag, which authenticates data and cipher text. It needs the first two blocks of the
-- keystream.
CREATE OR REPLACE FUNCTION hectic.gcm_tag(keystream bytea, data bytea, cipher bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  RETURN hectic.xor_bytes(
    substr(keystream, 17, 16),
    hectic.ghash(substr(keystream, 1, 16),
                 hectic.whole_blocks(data) || hectic.whole_blocks(cipher)
                 || int8send(8 * length(data)::bigint) || int8send(8 * length(cipher)::bigint)));
END
$function$;

CREATE OR REPLACE FUNCTION hectic.gcm_seal(key bytea, nonce bytea, data bytea, plain bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  keystream constant bytea := hectic.gcm_keystream(key, nonce, length(plain));
  cipher    constant bytea := hectic.xor_bytes(plain, substr(keystream, 33, length(plain)));
BEGIN
  RETURN cipher || hectic.gcm_tag(keystream, data, cipher);
END
$function$;

CREATE OR REPLACE FUNCTION hectic.gcm_open(key bytea, nonce bytea, data bytea, sealed bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  size      constant int   := length(sealed) - 16;
  cipher    constant bytea := substr(sealed, 1, greatest(size, 0));
  keystream bytea;
BEGIN
  IF size < 0 THEN
    RETURN NULL;
  END IF;
  keystream := hectic.gcm_keystream(key, nonce, size);
  -- Hashes are compared, so that the time does not tell how much of a forged tag is right.
  IF sha256(key || hectic.gcm_tag(keystream, data, cipher)) <> sha256(key || substr(sealed, size + 1)) THEN
    RETURN NULL;
  END IF;
  RETURN hectic.xor_bytes(cipher, substr(keystream, 33, size));
END
$function$;

-- Whether all of these values would open. For each, two blocks of keystream are made. The key is
-- expanded only once.
CREATE OR REPLACE FUNCTION hectic.gcm_vouches(key bytea, nonces bytea[], data bytea[], sealed bytea[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  counters bytea := '\x00000000000000000000000000000000';
  blocks   bytea;
  size     int;
BEGIN
  FOR i IN 1 .. cardinality(sealed) LOOP
    IF (length(nonces[i]) = 12 AND length(data[i]) >= 0 AND length(sealed[i]) >= 16) IS NOT TRUE THEN
      RETURN false;
    END IF;
    counters := counters || nonces[i] || int4send(1);
  END LOOP;
  blocks := hectic.aes_ecb(key, counters);
  FOR i IN 1 .. cardinality(sealed) LOOP
    size := length(sealed[i]) - 16;
    IF sha256(key || hectic.gcm_tag(substr(blocks, 1, 16) || substr(blocks, 16 * i + 1, 16), data[i], substr(sealed[i], 1, size)))
       <> sha256(key || substr(sealed[i], size + 1)) THEN
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END
$function$;

REVOKE ALL ON FUNCTION hectic.aes_tables() FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.aes_ecb(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.xor_bytes(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.whole_blocks(bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.ghash(bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.gcm_keystream(bytea, bytea, int) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.gcm_tag(bytea, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.gcm_seal(bytea, bytea, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.gcm_open(bytea, bytea, bytea, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION hectic.gcm_vouches(bytea, bytea[], bytea[], bytea[]) FROM PUBLIC;

COMMENT ON FUNCTION hectic.aes_tables() IS
  'AES: the S-box, and what a byte in each place of a column contributes to the column after a round.';
COMMENT ON FUNCTION hectic.aes_ecb(bytea, bytea) IS 'AES-256 of each block of 16 bytes by itself.';
COMMENT ON FUNCTION hectic.xor_bytes(bytea, bytea) IS 'Exclusive or of two texts of the same length.';
COMMENT ON FUNCTION hectic.whole_blocks(bytea) IS 'The text, filled up with zeros to a multiple of 16 bytes.';
COMMENT ON FUNCTION hectic.ghash(bytea, bytea) IS 'GHASH of whole blocks under the key h (NIST SP 800-38D).';
COMMENT ON FUNCTION hectic.gcm_keystream(bytea, bytea, int) IS
  'GCM: the encrypted zero block, the encrypted first counter block, then the keystream for a text of this length.';
COMMENT ON FUNCTION hectic.gcm_tag(bytea, bytea, bytea) IS 'GCM: the tag for data and cipher text.';
COMMENT ON FUNCTION hectic.gcm_seal(bytea, bytea, bytea, bytea) IS
  'AES-256-GCM with a nonce of 12 bytes: cipher text and tag. The data is vouched for, not encrypted.';
COMMENT ON FUNCTION hectic.gcm_open(bytea, bytea, bytea, bytea) IS
  'The plain text of hectic.gcm_seal; null when key, nonce, data, cipher text or tag is not the right one.';
COMMENT ON FUNCTION hectic.gcm_vouches(bytea, bytea[], bytea[], bytea[]) IS
  'Whether hectic.gcm_open would open each of these; it opens none.';

-- Tests the cipher with test case 16 of the GCM specification: a wrong cipher must never be used.
DO $self_test$
DECLARE
  key    constant bytea := '\xfeffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
  nonce  constant bytea := '\xcafebabefacedbaddecaf888';
  data   constant bytea := '\xfeedfacedeadbeeffeedfacedeadbeefabaddad2';
  plain  constant bytea := '\xd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72'
                           '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
  sealed constant bytea := '\x522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa'
                           '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662'
                           '76fc6ece0f4e1768cddf8853bb2d551b';
BEGIN
  IF pg_catalog.current_setting('hectic.aes_gcm_before', true) = (
       SELECT pg_catalog.md5(pg_catalog.string_agg(p.prosrc, '' ORDER BY p.proname)) FROM pg_catalog.pg_proc p
       WHERE p.pronamespace = 'hectic'::pg_catalog.regnamespace AND p.proname ~ '^(aes|gcm|ghash|xor|whole)_?') THEN
    RETURN;
  END IF;
  IF hectic.gcm_seal(key, nonce, data, plain) IS DISTINCT FROM sealed
     OR hectic.gcm_open(key, nonce, data, sealed) IS DISTINCT FROM plain
     OR NOT hectic.gcm_vouches(key, ARRAY[nonce], ARRAY[data], ARRAY[sealed])
     OR hectic.gcm_open(key, nonce, data, pg_catalog.set_byte(sealed, 75, 0)) IS NOT NULL THEN
    RAISE EXCEPTION 'AES-256-GCM computes wrong results here' USING ERRCODE = 'internal_error';
  END IF;
END
$self_test$;
