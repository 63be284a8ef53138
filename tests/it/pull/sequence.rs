//! Sequences: each one from which a column takes values continues from its value on staging, and
//! after every row that is here.

use super::hostile::wild;

#[test]
fn a_sequence_that_a_default_names_goes_on_where_it_stood() {
    let schema = "CREATE SCHEMA far; CREATE SEQUENCE far.s INCREMENT 5; CREATE SEQUENCE wild.shared; CREATE SEQUENCE wild.down INCREMENT -1; CREATE SEQUENCE wild.of_domain; CREATE SEQUENCE wild.part_own; CREATE SEQUENCE wild.inside; CREATE SEQUENCE wild.text;
        CREATE DOMAIN wild.number AS bigint DEFAULT nextval('wild.of_domain');
        CREATE FUNCTION wild.next() RETURNS bigint BEGIN ATOMIC; SELECT nextval('wild.inside'); END;
        CREATE TABLE wild.one (id int PRIMARY KEY DEFAULT nextval('far.s'), a int DEFAULT nextval('wild.shared'), d int DEFAULT nextval('wild.down'), n wild.number, i int DEFAULT wild.next(), t text DEFAULT 'T' || nextval('wild.text'));
        CREATE TABLE wild.two (id numeric PRIMARY KEY DEFAULT nextval('wild.shared'));
        CREATE TABLE wild.parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE wild.part PARTITION OF wild.parted DEFAULT; ALTER TABLE wild.part ALTER id SET DEFAULT nextval('wild.part_own');
        CREATE TABLE wild.whole (id serial PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE wild.half PARTITION OF wild.whole DEFAULT";
    let rows = "INSERT INTO wild.one SELECT FROM generate_series(1, 3); INSERT INTO wild.two SELECT FROM generate_series(1, 4); INSERT INTO wild.part SELECT FROM generate_series(1, 2); INSERT INTO wild.whole SELECT FROM generate_series(1, 6)";
    let mut pull = wild(schema, rows);
    let state = "SELECT string_agg(sequencename || ' ' || COALESCE(last_value::text, 'unused'), ',' ORDER BY sequencename) FROM pg_sequences WHERE schemaname IN ('wild', 'far')";
    pull.set("STAGING_DUMP_TABLES", "wild.one wild.two wild.parted wild.half");
    pull.pull([]).success();
    for load in [["patch", "-q"], ["patch", "-q"], ["pull_staging", "--into-database"]] {
        pull.database(load).success();
        assert_eq!(pull.ask(state), pull.on_staging(state), "{load:?}");
    }
    for next in [
        "INSERT INTO wild.one DEFAULT VALUES RETURNING one::text",
        "INSERT INTO wild.two DEFAULT VALUES RETURNING id",
        "INSERT INTO wild.part DEFAULT VALUES RETURNING id",
        "INSERT INTO wild.whole DEFAULT VALUES RETURNING id",
    ] {
        assert_eq!(pull.ask(next), pull.on_staging(next));
    }
}

#[test]
fn a_sequence_is_ahead_of_every_column_that_takes_from_it() {
    let schema = "CREATE SEQUENCE wild.shared; CREATE SEQUENCE wild.down INCREMENT -1; CREATE TABLE wild.one (id int PRIMARY KEY DEFAULT nextval('wild.shared'), d bigint DEFAULT nextval('wild.down'));
        CREATE TABLE wild.two (id int PRIMARY KEY DEFAULT nextval('wild.shared')); CREATE TABLE wild.three (id int PRIMARY KEY DEFAULT nextval('wild.shared'))";
    let mut pull =
        wild(schema, "INSERT INTO wild.one DEFAULT VALUES; INSERT INTO wild.two DEFAULT VALUES");
    pull.set("STAGING_DUMP_TABLES", "wild.one wild.two");
    pull.ask("INSERT INTO wild.one VALUES (20, -9); INSERT INTO wild.two VALUES (7); INSERT INTO wild.three VALUES (30)");
    pull.pull([]).success();
    pull.database(["patch"]).success();
    assert_eq!(pull.ask("SELECT nextval('wild.shared')"), "31", "also of a table beside");
    assert_eq!(pull.ask("SELECT nextval('wild.down')"), "-10");
}

#[test]
fn a_sequence_that_differs_is_none_of_a_failure() {
    let mut pull = wild(
        "CREATE TABLE wild.one (id int PRIMARY KEY)",
        "ALTER TABLE wild.one ADD COLUMN more serial; CREATE SEQUENCE wild.there; ALTER TABLE wild.one ALTER id SET DEFAULT nextval('wild.there'); INSERT INTO wild.one DEFAULT VALUES",
    );
    pull.ask(
        "CREATE SEQUENCE wild.here; ALTER TABLE wild.one ALTER id SET DEFAULT nextval('wild.here')",
    );
    pull.pull([]).success();
    let told = pull.database(["patch"]).success();
    assert!(told.stderr.contains("column more has no sequence here"), "{told}");
    assert_eq!(pull.ask("SELECT nextval('wild.here')"), "2");
    let told = pull.pull(["--into-database"]).success();
    assert!(told.stderr.contains("column more has no sequence here"), "{told}");
    pull.ask("CREATE VIEW wild.there AS SELECT 1");
    pull.database(["patch"]).success();
    pull.on_staging("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA wild TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA wild TO reader; GRANT SELECT ON SEQUENCE wild.one_more_seq TO reader");
    pull.as_role("reader");
    pull.pull([]).fails(1, ["its sequence wild.there may not be read"]);
}

#[test]
fn a_sequence_that_only_text_names_goes_on_where_it_stood() {
    let schema = "CREATE SCHEMA far; CREATE SEQUENCE far.plain; CREATE SEQUENCE wild.nested INCREMENT -1; CREATE SEQUENCE wild.\"Its own\"; CREATE SEQUENCE wild.cast; CREATE SEQUENCE wild.fired; CREATE SEQUENCE wild.handed; CREATE SEQUENCE wild.untouched;
        CREATE FUNCTION wild.plain() RETURNS bigint LANGUAGE sql SET search_path = far, pg_temp AS $$ SELECT nextval('plain') $$;
        CREATE FUNCTION wild.inner() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE it bigint; BEGIN -- that's it
          EXECUTE 'SELECT nextval(''wild.nested'')' INTO it; RETURN it; END $$;
        CREATE FUNCTION wild.outer() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN Wild . Inner (); END $$;
        CREATE FUNCTION wild.quoted() RETURNS text LANGUAGE sql AS $$ SELECT 'T' || nextval('wild.\"Its own\"') $$;
        CREATE FUNCTION wild.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.f := nextval('wild.fired'); RETURN NEW; END $$;
        CREATE FUNCTION wild.not_one() RETURNS text LANGUAGE sql AS $$ SELECT 'wild.untouched'::text $$;
        CREATE TABLE wild.one (id int PRIMARY KEY DEFAULT wild.plain(), n bigint DEFAULT wild.outer() + 0, q text DEFAULT wild.quoted(), c int DEFAULT nextval('wild.cast'::text), f int, u text DEFAULT wild.not_one());
        CREATE TRIGGER fire BEFORE INSERT ON wild.one FOR EACH ROW EXECUTE FUNCTION wild.fire()";
    let rows =
        "INSERT INTO wild.one SELECT FROM generate_series(1, 3); SELECT nextval('wild.untouched')";
    let mut pull = wild(schema, rows);
    pull.set("STAGING_DUMP_TABLES", "wild.one");
    let told = pull.pull([]).success();
    assert!(!told.stderr.contains("sequence"), "{told}");
    let next = "INSERT INTO wild.one DEFAULT VALUES RETURNING one::text";
    for load in [["patch", "-q"], ["patch", "-q"], ["pull_staging", "--into-database"]] {
        let told = pull.database(load).success();
        assert!(!told.stderr.contains("sequence"), "{told}");
        let state = "SELECT string_agg(sequencename || ' ' || COALESCE(last_value::text, 'unused'), ',' ORDER BY sequencename) FROM pg_sequences WHERE schemaname IN ('wild', 'far') AND sequencename <> 'untouched'";
        assert_eq!(pull.ask(state), pull.on_staging(state), "{load:?}");
    }
    assert_eq!(pull.ask(next), pull.on_staging(next));
    assert_eq!(pull.ask("SELECT is_called FROM wild.untouched"), "f");
    pull.ask("SELECT setval('wild.cast', 50), setval('wild.nested', -50)");
    pull.database(["patch"]).success();
    assert_eq!(pull.ask("SELECT nextval('wild.cast'), nextval('wild.nested')"), "51|-51");
    pull.ask("DROP SEQUENCE wild.fired");
    let told = pull.database(["patch"]).success();
    assert!(
        told.stderr.contains("sequence wild.fired, which it uses on staging, is not here"),
        "{told}"
    );
}

#[test]
fn a_sequence_that_no_text_names_is_told() {
    let schema = "CREATE SEQUENCE wild.s; CREATE FUNCTION wild.composed() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('wild.' || 's'); END $$;
        CREATE FUNCTION wild.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.f := nextval(TG_ARGV[0]); RETURN NEW; END $$;
        CREATE TABLE wild.one (id int PRIMARY KEY DEFAULT wild.composed(), f int, d int DEFAULT nextval('wild.s'::text));
        CREATE TRIGGER fire BEFORE INSERT ON wild.one FOR EACH ROW EXECUTE FUNCTION wild.fire('wild.s')";
    let mut pull = wild(schema, "INSERT INTO wild.one DEFAULT VALUES");
    pull.on_staging("CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA wild TO reader; GRANT SELECT ON wild.one TO reader");
    pull.as_role("reader");
    let composed = "wild.one: the default of column id calls wild.composed, which takes values from a sequence that the text does not name";
    let fired = "wild.one: a trigger calls wild.fire, which takes values from a sequence that";
    let unread = "wild.one: the default of column d takes values from the sequence wild.s, which may not be read";
    for told in [pull.pull(["--check"]).success(), pull.pull([]).success()] {
        for expected in [composed, fired, unread] {
            assert!(told.stderr.contains(expected), "{expected}: {told}");
        }
    }
}
