//! Drafts of objects that stand on functions of the server, and of what changes with them.

use super::draft::proven;

#[test]
fn objects_that_stand_on_functions_of_the_server_are_made_and_dropped() {
    let [up, _] = proven(
        "CREATE TABLE t (b text) INHERITS (hectic.created_at);",
        "CREATE TYPE number;
         CREATE FUNCTION number_in(cstring) RETURNS number LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
         CREATE FUNCTION number_out(number) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
         CREATE TYPE number (INPUT = number_in, OUTPUT = number_out, INTERNALLENGTH = 4, PASSEDBYVALUE,
           DEFAULT = '7', CATEGORY = 'N', DELIMITER = ';');
         COMMENT ON TYPE number IS 'a number';
         CREATE TYPE shell;
         CREATE TYPE days;
         CREATE FUNCTION days_of(days) RETURNS days LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
         CREATE TYPE days AS RANGE (SUBTYPE = int4, CANONICAL = days_of);
         CREATE TYPE words AS RANGE (SUBTYPE = text, SUBTYPE_OPCLASS = text_pattern_ops);
         CREATE TABLE t (b text, n number, m number[], d days, w words) INHERITS (hectic.created_at);
         CREATE EXTENSION postgres_fdw;
         CREATE FOREIGN DATA WRAPPER far HANDLER postgres_fdw_handler VALIDATOR postgres_fdw_validator;
         CREATE FOREIGN DATA WRAPPER idle OPTIONS (a 'b');
         COMMENT ON FOREIGN DATA WRAPPER idle IS 'does nothing';
         CREATE SERVER s FOREIGN DATA WRAPPER idle;
         CREATE FOREIGN TABLE ft (a int) SERVER s;
         CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
         CREATE TABLE kept (a int) INHERITS (hectic.created_at) USING heap2;
         CREATE LANGUAGE other HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler
           VALIDATOR plpgsql_validator;
         CREATE FUNCTION f() RETURNS int LANGUAGE other AS 'BEGIN RETURN 1; END';
         CREATE DEFAULT CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
         CREATE FUNCTION from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'prsd_lextype';
         CREATE TRANSFORM FOR int LANGUAGE other (FROM SQL WITH FUNCTION from_sql(internal));
         COMMENT ON TRANSFORM FOR int LANGUAGE other IS 'one way';
         CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
           LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
         CREATE TEXT SEARCH TEMPLATE t (INIT = dsimple_init, LEXIZE = dsimple_lexize);
         CREATE TEXT SEARCH CONFIGURATION c (PARSER = p);
         CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = t);
         CREATE OPERATOR FAMILY loose USING btree;
         ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 1 < (int, bigint),
           FUNCTION 1 (int, bigint) btint48cmp(int, bigint);
         CREATE FUNCTION compare(int, text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
         ALTER OPERATOR FAMILY integer_ops USING btree ADD FUNCTION 1 (int, text) compare(int, text);",
    );
    assert!(!up.contains("Not expressed"), "{up}");
}

#[test]
fn objects_that_stand_on_functions_of_the_server_change() {
    let [up, down] = proven(
        "SET hectic.inheritance_extra_excluded_schemas = 'public';
         CREATE EXTENSION postgres_fdw;
         CREATE FOREIGN DATA WRAPPER far;
         CREATE SERVER s FOREIGN DATA WRAPPER far;
         CREATE COLLATION words (provider = libc, locale = 'C');
         CREATE DOMAIN name AS text COLLATE words;
         CREATE TABLE t (a text COLLATE words, n name, i int UNIQUE);
         CREATE INDEX t_a ON t (a);
         CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
           LEXTYPES = prsd_lextype);
         CREATE TEXT SEARCH CONFIGURATION c (PARSER = p);
         CREATE OPERATOR FAMILY loose USING btree;
         CREATE OPERATOR CLASS up FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =,
           OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
         CREATE INDEX t_up ON t (i up);
         CREATE LANGUAGE other HANDLER plpgsql_call_handler;
         CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
         CREATE TABLE parts (a int, CONSTRAINT positive CHECK (a > 0)) PARTITION BY LIST (a);
         CREATE INDEX parts_a ON parts (a);
         CREATE TABLE part (a int);
         CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY);",
        "SET hectic.inheritance_extra_excluded_schemas = 'public';
         CREATE EXTENSION postgres_fdw;
         CREATE FOREIGN DATA WRAPPER far HANDLER postgres_fdw_handler;
         CREATE SERVER s VERSION '2' FOREIGN DATA WRAPPER far;
         CREATE COLLATION words (provider = libc, locale = 'POSIX');
         CREATE DOMAIN name AS text COLLATE words;
         CREATE TABLE t (a text COLLATE words, n name, i int, UNIQUE (i) WITH (fillfactor = 70));
         CREATE INDEX t_a ON t (a);
         CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
           LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
         CREATE TEXT SEARCH CONFIGURATION c (PARSER = p);
         CREATE OPERATOR FAMILY loose USING btree;
         ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 1 < (int, bigint);
         CREATE OPERATOR CLASS up FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 3 =,
           OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
         CREATE INDEX t_up ON t (i up);
         CREATE LANGUAGE other HANDLER plpgsql_call_handler VALIDATOR plpgsql_validator;
         CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
         CREATE TABLE parts (a int, CONSTRAINT positive CHECK (a > 0)) PARTITION BY LIST (a);
         CREATE INDEX parts_a ON parts (a);
         CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
         CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY);
         ALTER SEQUENCE numbers_id_seq SET UNLOGGED;",
    );
    assert!(!up.contains("Not expressed") && !down.contains("Not expressed"), "{up}{down}");
}

/// An index on the rows of its table calls a function that takes such rows.
#[test]
fn an_index_goes_before_the_function_that_takes_its_rows() {
    proven(
        "CREATE TABLE t (a int) INHERITS (hectic.created_at);",
        "CREATE TABLE t (a int) INHERITS (hectic.created_at);
         CREATE TABLE rows (a int) INHERITS (hectic.created_at);
         CREATE FUNCTION f(rows) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
         CREATE INDEX ON rows (f(rows.*));",
    );
}
