//! Pulls of new rows only.

use super::support::PullProject;

/// A staging with a table of each kind: with changes, without changes, without a column of time,
/// without a key.
fn growing() -> PullProject {
    let mut pull = PullProject::new();
    let tables = "CREATE TABLE shop.item (id int PRIMARY KEY, what text, updated_at timestamptz) INHERITS (hectic.created_at)";
    pull.ask(tables);
    pull.on_staging(tables);
    pull.on_staging("INSERT INTO shop.item (id, what, updated_at) VALUES (1, 'one', '2020-01-01'), (2, 'two', '2020-01-02'), (3, 'null', NULL)");
    pull.set("STAGING_DUMP_TABLES", "shop.item shop.kind shop.log shop.customer");
    pull
}

#[test]
fn only_what_is_new_is_read_and_the_file_is_whole() {
    let pull = growing();
    let first = pull.pull(["--incremental"]).success();
    assert!(
        first
            .stderr
            .contains("because they have no such column or no key: shop.customer, shop.log"),
        "{first}"
    );
    let (file, state) = (pull.patch(), pull.read("project/test-data.sql.state"));
    pull.pull(["--incremental"]).success();
    assert_eq!(
        (pull.patch(), pull.read("project/test-data.sql.state")),
        (file, state),
        "nothing is new"
    );
    pull.on_staging("UPDATE shop.item SET what = 'changed', updated_at = '2020-01-03' WHERE id = 1;
        INSERT INTO shop.item (id, what, updated_at) VALUES (4, 'same moment', '2020-01-02');
        INSERT INTO shop.log (line) VALUES ('more');
        BEGIN; SET LOCAL hectic.migration_mode = 'on'; INSERT INTO shop.kind (code) VALUES ('c'); COMMIT");
    let second = pull.pull(["--incremental", "--jobs", "2"]).success();
    assert!(
        second.stderr.lines().any(|line| line.starts_with("shop.item") && line.contains(" 4 ")),
        "{second}"
    );
    assert_eq!(pull.patch().matches("\tone\t").count(), 1, "the old rows are there, once");
    for _ in 0..2 {
        pull.database(["patch"]).success();
        ["shop.item", "shop.kind", "shop.log", "shop.customer"]
            .iter()
            .for_each(|table| pull.same(table));
    }
    let again = pull.patch();
    pull.pull(["--incremental"]).success();
    assert_eq!(pull.patch(), again);
}

#[test]
fn a_column_is_named() {
    let pull = growing();
    pull.pull(["--since", "id"]).success();
    pull.on_staging("INSERT INTO shop.item (id, what) VALUES (5, 'five'); UPDATE shop.item SET what = 'unseen' WHERE id = 1");
    pull.pull(["--since", "id"]).success();
    let patch = pull.patch();
    assert!(patch.contains("\tfive\t") && !patch.contains("unseen"), "{patch}");
    // for another column there is no mark yet
    pull.pull(["--since", "updated_at"]).success();
    assert!(pull.patch().contains("unseen") && !pull.patch().contains("\tone\t"));
    pull.pull(["--since", "absent"]).fails(2, ["--since absent"]);
    pull.pull(["--since", "id", "--limit", "shop.item=1"]).fails(2, ["--limit"]);
    pull.pull(["--since", "at"]).fails(2, ["no pulled table with a key"]);
}

#[test]
fn what_is_remembered_is_about_one_file_and_one_way_to_read() {
    let pull = growing();
    pull.pull(["--incremental"]).success();
    pull.write("project/test-data.sql", "something else\n");
    let told = pull.pull(["--incremental"]).success();
    assert!(
        told.stderr.contains("does not fit this file") && pull.patch().contains("\tone\t"),
        "{told}"
    );
    pull.write("project/staging.toml", "[table.\"shop.item\"]\nwhat = \"null\"\n[table.\"shop.kind\"]\ncode = \"keep\"\n[table.\"shop.log\"]\nline = \"keep\"\n[table.\"shop.customer\"]\nname = \"keep\"\n");
    pull.pull(["--incremental"]).success();
    assert!(!pull.patch().contains("\tone\t"), "rows that were read without a mask are gone");
    pull.pull([]).success();
    assert!(!pull.entries("project").contains(&"test-data.sql.state".to_owned()));
}

#[test]
fn a_masked_mark_is_refused() {
    let pull = growing();
    pull.write("project/staging.toml", "[table.\"*.*\"]\nupdated_at = \"null\"\n");
    pull.pull(["--incremental"]).fails(2, ["updated_at"]);
}

#[test]
fn what_was_read_before_an_interruption_sets_the_mark() {
    let pull = growing();
    pull.pull(["--incremental"]).success();
    let wrong = ["--incremental", "--where", "shop.log=1/(length(line)-1) > 0"];
    pull.on_staging(
        "INSERT INTO shop.item (id, what, updated_at) VALUES (7, 'seven', '2020-02-01')",
    );
    pull.pull(wrong).fails(1, ["--resume"]);
    pull.on_staging(
        "INSERT INTO shop.item (id, what, updated_at) VALUES (8, 'eight', '2020-02-02')",
    );
    pull.pull(["--incremental", "--resume"]).success();
    assert!(pull.patch().contains("\tseven\t") && !pull.patch().contains("\teight\t"));
    pull.pull(["--incremental"]).success();
    assert!(pull.patch().contains("\teight\t"), "{}", pull.patch());
}
