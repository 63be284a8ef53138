//! The file loads: every type, twice, beside what is there, and says what does not fit.

use super::support::Pull;

pub const TABLES: [&str; 9] = [
    "shop.customer",
    "shop.\"Order Line\"",
    "shop.chicken",
    "shop.egg",
    "shop.kind",
    "shop.log",
    "shop.measure",
    "shop.every",
    "shop.measure_2",
];

#[test]
fn every_row_arrives_and_arrives_again() {
    let mut pull = Pull::new();
    for flags in ["", "--column-inserts", "--rows-per-insert=2"] {
        pull.set("STAGING_DUMP_FLAGS", flags);
        pull.pull([]).success();
        for _ in 0..2 {
            let loaded = pull.database(["patch"]).success();
            assert!(!loaded.stderr.contains("WARNING"), "{loaded}");
            TABLES.iter().for_each(|table| pull.same(table));
        }
    }
    let next = "INSERT INTO shop.customer (name) VALUES ('Dee') RETURNING id";
    assert_eq!(pull.ask(next), pull.on_staging(next), "sequences stand where they stood");
    let keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated";
    assert_eq!(pull.ask(keys), pull.on_staging(keys));
}

#[test]
fn rows_outside_the_pull_stay() {
    let pull = Pull::new();
    pull.pull([]).success();
    pull.ask("INSERT INTO shop.customer (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'old'), (77, 'mine')");
    pull.ask("INSERT INTO shop.\"Order Line\" (\"Nr\", customer, what) VALUES (500, 1, 'mine')");
    pull.database(["patch"]).success();
    let names = "SELECT string_agg(name, ' ' ORDER BY id) FROM shop.customer";
    assert_eq!(pull.ask(names), "Ann Bob Cem mine");
    assert_eq!(pull.ask("SELECT count(*) FROM shop.\"Order Line\""), "6", "nothing cascades");
    assert_eq!(pull.ask("SELECT nextval('shop.customer_id_seq')"), "78", "ahead of every row");
}

#[test]
fn rows_that_are_there_are_kept_on_request() {
    let mut pull = Pull::new();
    pull.set("STAGING_DUMP_FLAGS", "--inserts --on-conflict-do-nothing");
    pull.pull([]).success();
    pull.ask("INSERT INTO shop.chicken (id) VALUES (1)");
    pull.database(["patch"]).success();
    assert_eq!(pull.ask("SELECT egg IS NULL FROM shop.chicken"), "t");
}

#[test]
fn other_columns_are_told() {
    let pull = Pull::new();
    pull.on_staging("ALTER TABLE shop.kind ADD COLUMN extra int DEFAULT 5");
    pull.pull([]).success();
    pull.ask("ALTER TABLE shop.chicken ADD COLUMN own int NOT NULL DEFAULT 3");
    let told = pull.database(["patch"]).success();
    assert!(told.stderr.contains("only on staging, left out: extra"), "{told}");
    assert!(told.stderr.contains("only here, by default: own"), "{told}");
    assert_eq!(pull.ask("SELECT own FROM shop.chicken"), "3");
    pull.ask("ALTER TABLE shop.chicken ADD COLUMN needed int; UPDATE shop.chicken SET needed = 1; ALTER TABLE shop.chicken ALTER needed SET NOT NULL");
    pull.database(["patch"]).fails(1, ["shop.chicken", "needed"]);
    assert_eq!(pull.ask("SELECT needed FROM shop.chicken"), "1", "nothing was changed");
}

#[test]
fn rows_that_change_on_the_way_are_a_failure() {
    let pull = Pull::new();
    pull.pull([]).success();
    pull.ask("CREATE FUNCTION shop.louder() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.line := ''loud''; RETURN NEW; END'; CREATE TRIGGER louder BEFORE INSERT ON shop.log FOR EACH ROW EXECUTE FUNCTION shop.louder()");
    pull.database(["patch"]).fails(1, ["shop.log", "trigger"]);
    assert_eq!(pull.ask("SELECT count(*) FROM shop.customer"), "0", "in one transaction");
}

#[test]
fn a_broken_reference_is_a_failure() {
    let pull = Pull::new();
    pull.pull(["--where", "shop.customer=id <> 2"]).success();
    pull.database(["patch"]).fails(1, ["Order Line", "foreign key"]);
    assert_eq!(pull.ask("SELECT count(*) FROM shop.customer"), "0");
}
