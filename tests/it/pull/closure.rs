//! `--closure`: pulls exactly the rows to which pulled rows refer, so that the file loads into
//! empty tables.

use super::support::PullProject;

/// Cycles, a self-reference, foreign keys of several columns with NULLs, and foreign keys of and to
/// partitions.
const TABLES: &str = r#"
CREATE SCHEMA post;
CREATE TABLE post.country (code text PRIMARY KEY) INHERITS (hectic.created_at);
CREATE TABLE post.badge (id int PRIMARY KEY) INHERITS (hectic.created_at);
CREATE TABLE post."Person" (id bigint PRIMARY KEY, boss int REFERENCES post."Person", home varchar REFERENCES post.country) INHERITS (hectic.created_at);
CREATE TABLE post.depot (part int, nr int, keeper int REFERENCES post."Person",
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (part, nr)) PARTITION BY LIST (part);
CREATE TABLE post.depot_1 PARTITION OF post.depot FOR VALUES IN (1);
CREATE TABLE post.depot_2 PARTITION OF post.depot FOR VALUES IN (2);
ALTER TABLE post.depot_2 ADD FOREIGN KEY (nr) REFERENCES post.badge;
CREATE TABLE post.parcel (id int PRIMARY KEY, part int, nr int, twin int REFERENCES post.parcel DEFERRABLE,
  FOREIGN KEY (part, nr) REFERENCES post.depot MATCH FULL) INHERITS (hectic.created_at);
ALTER TABLE post."Person" ADD COLUMN favourite int REFERENCES post.parcel;
CREATE TABLE post.note (id int PRIMARY KEY, nr int, part int, FOREIGN KEY (part, nr) REFERENCES post.depot) INHERITS (hectic.created_at);
CREATE TABLE post.seal (id int PRIMARY KEY, part int, nr int, FOREIGN KEY (part, nr) REFERENCES post.depot_1) INHERITS (hectic.created_at);
CREATE TABLE post.express (wagon text) INHERITS (post.parcel);
"#;

const ROWS: &str = r#"
SET session_replication_role = replica;
INSERT INTO post.country (code) SELECT 'C' || i FROM generate_series(1, 100) i;
INSERT INTO post.badge (id) SELECT generate_series(1, 5);
INSERT INTO post."Person" (id, boss, home, favourite) SELECT i, CASE i WHEN 13 THEN 10 WHEN 40 THEN 10 WHEN 53 THEN 53 ELSE CASE WHEN i IN (10, 11, 12) THEN i + 1 END END,
  CASE WHEN i = 13 THEN 'C13' END, CASE WHEN i = 30 THEN 7 END FROM generate_series(1, 100) i;
INSERT INTO post.depot (part, nr, keeper) SELECT p, n, CASE p WHEN 1 THEN 10 * n ELSE 50 + n END FROM generate_series(1, 2) p, generate_series(1, 5) n;
INSERT INTO post.parcel (id, part, nr, twin) SELECT i, 1 + i % 2, 1 + i % 5, CASE WHEN i % 2 = 1 THEN i + 1 END FROM generate_series(1, 19) i;
INSERT INTO post.parcel (id) VALUES (20);
INSERT INTO post.express (id, part, nr) VALUES (1, 1, 1);
INSERT INTO post.note (id, part, nr) VALUES (1, 1, 1), (2, NULL, 2), (3, 1, NULL);
INSERT INTO post.seal (id, part, nr) VALUES (1, 1, 5);
"#;

const KEYS: [(&str, &str); 7] = [
    ("parcel", "id"),
    ("depot", "part * 10 + nr"),
    ("\"Person\"", "id"),
    ("country", "code"),
    ("badge", "id"),
    ("note", "id"),
    ("seal", "id"),
];

fn post(tables: &str) -> PullProject {
    let mut pull = PullProject::new();
    pull.ask(TABLES);
    pull.on_staging(&format!("{TABLES}{ROWS}"));
    pull.set("STAGING_DUMP_TABLES", tables);
    pull
}

/// Loads the patch into empty tables, and returns the keys of every table.
#[track_caller]
fn loaded(pull: &PullProject) -> Vec<String> {
    pull.ask("TRUNCATE post.country, post.badge CASCADE");
    pull.database(["patch"]).success();
    let valid =
        "SELECT count(*) FILTER (WHERE convalidated) FROM pg_constraint WHERE contype = 'f'";
    assert_eq!(pull.ask(valid), pull.on_staging(valid));
    let keys = |(table, key): &(&str, &str)| {
        pull.ask(&format!("SELECT string_agg(k::text, ' ' ORDER BY k) FROM (SELECT {key} AS k FROM post.{table}) x"))
    };
    KEYS.iter().map(keys).collect()
}

#[test]
fn exactly_what_is_referred_to_comes_along() {
    let mut pull = post("post.parcel");
    let expected = ["1 2 7 8", "13 14 22 23", "10 11 12 13 30 40 52 53", "C13", "2 3", "", ""];
    let mut first = None;
    for flags in ["", "--inserts"] {
        pull.set("STAGING_DUMP_FLAGS", flags);
        for jobs in ["1", "3"] {
            pull.pull(["--closure", "--limit", "post.parcel=1", "--jobs", jobs]).success();
            assert_eq!(loaded(&pull), expected);
            let patch = pull.patch();
            assert_eq!(*first.get_or_insert(patch.clone()) == patch, flags.is_empty());
        }
    }
    assert!(!pull.patch().contains("post.note"), "what is not referred to stays away");
    pull.set("STAGING_DUMP_FLAGS", "");
    pull.pull(["--closure", "--where", "post.parcel=t.id = 20 -- alone"]).success();
    assert_eq!(loaded(&pull), ["20", "", "", "", "", "", ""]);
    let before = pull.on_staging("SELECT count(*) FROM ONLY post.parcel WHERE id = 1");
    assert_eq!(before, "1");
}

#[test]
fn named_tables_come_whole_with_what_they_refer_to() {
    let mut pull = post("post.note post.seal");
    pull.pull(["--closure"]).success();
    assert_eq!(loaded(&pull), ["", "11 15", "10 11 12 13 50", "C13", "", "1 2 3", "1"]);
    pull.set("STAGING_DUMP_TABLES", "post.note post.depot_2");
    pull.pull(["--closure"]).success();
    let people = "10 11 12 13 51 52 53 54 55";
    assert_eq!(loaded(&pull), ["", "11 21 22 23 24 25", people, "C13", "1 2 3 4 5", "1 2 3", ""]);
    pull.set("STAGING_DUMP_TABLES", "post.seal");
    pull.pull(["--closure"]).success();
    assert_eq!(loaded(&pull), ["", "15", "50", "", "", "", "1"]);
    pull.set(
        "STAGING_DUMP_TABLES",
        "post.country post.badge post.depot post.parcel post.\"Person\"",
    );
    pull.pull(["--closure", "--where", "post.\"Person\"=id = 11"]).success();
    let all = loaded(&pull);
    assert_eq!(all[2], "10 11 12 13 20 30 40 50 51 52 53 54 55", "who whole tables refer to");
    assert_eq!(all[3].split(' ').count(), 100);
}

#[test]
fn a_missing_row_is_told_with_the_way_out() {
    let mut pull = post("post.note post.parcel post.\"Person\"");
    let limits = ["--limit", "post.parcel=1", "--limit", "post.\"Person\"=1"];
    pull.pull(limits).success();
    pull.database(["patch"]).fails(1, ["violates foreign key", "--closure"]);
    pull.set("STAGING_DUMP_TABLES", "post.\"Person\"");
    pull.pull(["--where", "post.\"Person\"=id = 13"]).success();
    pull.database(["patch"]).fails(1, ["violates foreign key", "--closure"]);
    pull.ask("TRUNCATE post.country, post.badge CASCADE");
    pull.pull(["--into-database", "--where", "post.\"Person\"=id = 13"])
        .fails(1, ["violates foreign key", "--closure"]);
    pull.pull(["--into-database", "--closure", "--where", "post.\"Person\"=id = 13"]).success();
    assert_eq!(pull.ask("SELECT count(*) FROM post.\"Person\""), "4");
    pull.set("STAGING_DUMP_FLAGS", "-T post.country");
    let told = pull.pull(["--closure", "--where", "post.\"Person\"=id = 13"]).success();
    let warning = "post.country is excluded, though rows of post.\"Person\" refer to it";
    assert!(told.stderr.contains(warning), "{told}");
    assert!(!pull.patch().contains("\n-- post.country\n"), "{}", pull.patch());
}

#[test]
fn a_long_chain_is_followed() {
    let mut pull = post("post.\"Person\"");
    pull.on_staging("INSERT INTO post.\"Person\" (id, boss) SELECT i, CASE WHEN i > 1001 THEN i - 1 END FROM generate_series(1001, 31000) i");
    pull.set("STAGING_DUMP_FLAGS", "");
    pull.pull(["--closure", "--where", "post.\"Person\"=id = 31000"]).success();
    pull.database(["patch"]).success();
    assert_eq!(pull.ask("SELECT count(*) FROM post.\"Person\""), "30000");
}

#[test]
fn it_goes_with_masks_and_not_with_everything() {
    let mut pull = post("post.parcel");
    pull.write("project/staging.toml", "");
    pull.pull(["--closure", "--limit", "post.parcel=1"])
        .fails(2, ["post.\"Person\".\"home\"", "post.country.\"code\""]);
    let scan = pull.pull(["--closure", "--scan"]).success();
    assert!(scan.stdout.contains("[table.\"post.country\"]"), "{scan}");
    pull.pull(["--closure", "--check", "--limit", "post.parcel=1"]).fails(2, ["post.country"]);
    pull.write("project/staging.toml", &scan.stdout);
    let check = pull.pull(["--closure", "--check", "--limit", "post.parcel=1"]).success();
    assert!(check.stdout.contains("post.badge"), "{check}");
    pull.pull(["--closure", "--limit", "post.parcel=1"]).success();
    assert_eq!(loaded(&pull)[0], "1 2 7 8");
    pull.pull(["--closure", "--since", "created_at"]).fails(2, ["--closure"]);
    pull.pull(["--closure", "--incremental"]).fails(2, ["--closure"]);
    std::fs::remove_file(pull.path("project/staging.toml")).unwrap();
    pull.set("STAGING_DUMP_FLAGS", "--schema-only");
    pull.pull(["--closure"]).fails(2, ["--closure", "--schema-only"]);
}
