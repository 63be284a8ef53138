-- What secrets are compared with: pgcrypto's symmetric encryption, and a table of plain values.
CREATE EXTENSION pgcrypto;
SET hectic.inheritance_extra_excluded_schemas = 'public';
CREATE TABLE encrypted (name text PRIMARY KEY, value bytea NOT NULL);
INSERT INTO encrypted VALUES ('S0', pgp_sym_encrypt(repeat('0123456789abcdef', 16), 'pass phrase'));
CREATE TABLE plain (name text PRIMARY KEY, value text NOT NULL);
