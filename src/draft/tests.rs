//! Drafts, without a server: what is done, and in which order.

use super::Draft;
use crate::facts::{Facts, Identity, Kind, Object};
use crate::rows::{Change, TableDiff};

fn identity(text: &str) -> Identity {
    let (kind, name) = text.split_once(' ').expect("kind and name");
    let kind = Kind::named(&kind.replace('_', " ")).expect("a kind");
    Identity { kind, name: name.to_owned() }
}

/// `kind name [< whole kind, whole name]: property=value; …`, one object a line.
fn facts(text: &str) -> Facts {
    let object = |line: &str| {
        let (head, tail) = line.split_once(": ").unwrap_or((line, ""));
        let (own, whole) = head.split_once(" < ").map_or((head, None), |(a, b)| (a, Some(b)));
        let properties = tail.split("; ").filter_map(|pair| pair.split_once('='));
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (identity(own), Object { whole: whole.map(identity), properties: properties.collect() })
    };
    Facts::of_objects(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(object))
}

/// The statements without settings and comments, each shortened to its first line.
#[track_caller]
fn drafted(from: &str, to: &str, rows: &[TableDiff]) -> Vec<String> {
    let draft = Draft::new(&facts(from), &facts(to), rows);
    assert_eq!(draft.left, [""; 0]);
    let lines = draft.groups.into_iter().flatten().filter(|line| !line.starts_with("--"));
    lines
        .filter(|line| !line.starts_with("SET LOCAL"))
        .map(|line| line.lines().next().unwrap_or_default().to_owned())
        .collect()
}

const TABLE: &str = "
    schema s
    table s.t
    column s.t.a < table s.t: type=integer; position=1
    ";

#[test]
fn nothing_is_done_about_nothing() {
    let same = facts(TABLE);
    let draft = Draft::new(&same, &same, &[]);
    assert!(draft.groups.is_empty() && draft.left.is_empty(), "{draft:?}");
}

#[test]
fn what_is_mentioned_is_there_first_and_gone_last() {
    let more = format!(
        "{TABLE}
         view s.a: definition= SELECT b.a FROM s.b
         view s.b: definition= SELECT c.a FROM s.c
         view s.c: definition= SELECT t.a FROM s.t
         table s.early
         column s.early.z < table s.early: type=s.word; default=s.f(1); position=1
         constraint k on s.early < table s.early: definition=FOREIGN KEY (z) REFERENCES s.late(z)
         table s.late
         column s.late.z < table s.late: type=s.word; position=1
         constraint u on s.late < table s.late: definition=UNIQUE (z)
         domain s.word: type=text
         function s.f(integer): definition=CREATE OR REPLACE FUNCTION s.f(integer)"
    );
    let made = [
        "CREATE DOMAIN s.word AS text;",
        "CREATE TABLE s.late (",
        "CREATE OR REPLACE FUNCTION s.f(integer);",
        "CREATE TABLE s.early (",
        "CREATE VIEW s.c AS",
        "CREATE VIEW s.b AS",
        "CREATE VIEW s.a AS",
        "ALTER TABLE s.late ADD CONSTRAINT u UNIQUE (z);",
        "ALTER TABLE s.early ADD CONSTRAINT k FOREIGN KEY (z) REFERENCES s.late(z);",
    ];
    assert_eq!(drafted(TABLE, &more, &[]), made);
    let dropped = [
        "DROP VIEW s.a;",
        "DROP VIEW s.b;",
        "DROP VIEW s.c;",
        "DROP TABLE s.early;",
        "DROP FUNCTION s.f(integer);",
        "DROP TABLE s.late;",
        "DROP DOMAIN s.word;",
    ];
    assert_eq!(drafted(&more, TABLE, &[]), dropped);
}

#[test]
fn what_stands_on_a_type_makes_way_and_comes_back() {
    let with = |kind: &str| {
        format!(
            "schema s
             table s.t
             column s.t.a < table s.t: type={kind}; default=1; position=1
             view s.v: definition= SELECT t.a FROM s.t; comment=kept
             view s.w: definition= SELECT v.a FROM s.v"
        )
    };
    let expected = [
        "DROP VIEW s.w;",
        "DROP VIEW s.v;",
        "ALTER TABLE s.t ALTER COLUMN a DROP DEFAULT;",
        "ALTER TABLE s.t ALTER COLUMN a TYPE bigint USING a::bigint;",
        "ALTER TABLE s.t ALTER COLUMN a SET DEFAULT 1;",
        "CREATE VIEW s.v AS",
        "COMMENT ON VIEW s.v IS 'kept';",
        "CREATE VIEW s.w AS",
    ];
    assert_eq!(drafted(&with("integer"), &with("bigint"), &[]), expected);
}

#[test]
fn rows_come_between_columns_and_constraints() {
    let after = format!(
        "{TABLE}
         column s.t.b < table s.t: type=text; default=s.f(1); position=2
         function s.f(integer): definition=CREATE OR REPLACE FUNCTION s.f(integer)
         constraint b on s.t < table s.t: definition=CHECK (b IS NOT NULL)"
    );
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let rows = TableDiff {
        table: "s.t".to_owned(),
        key: owned(&["a"]),
        columns: owned(&["a", "b"]),
        only_on: None,
        changes: vec![
            Change::Added { cells: vec![Some("1".to_owned()), Some("it's".to_owned())] },
            Change::Removed { cells: vec![Some("2".to_owned()), None] },
        ],
        more: 0,
    };
    let expected = [
        "CREATE OR REPLACE FUNCTION s.f(integer);",
        "ALTER TABLE s.t ADD COLUMN b text DEFAULT s.f(1);",
        "DELETE FROM ONLY s.t WHERE \"a\" = '2';",
        "INSERT INTO s.t (\"a\", \"b\") VALUES ('1', 'it''s');",
        "ALTER TABLE s.t ADD CONSTRAINT b CHECK (b IS NOT NULL);",
    ];
    assert_eq!(drafted(TABLE, &after, std::slice::from_ref(&rows)), expected);
    let cut = TableDiff { more: 1, ..rows };
    let draft = Draft::new(&facts(TABLE), &facts(&after), &[cut]);
    assert_eq!(draft.left, ["rows of s.t: 3 are too many"]);
}

#[test]
fn what_is_lost_and_what_is_left_is_said() {
    let before = format!("{TABLE}\ncast (integer AS text): context=implicit");
    let draft = Draft::new(&facts(&before), &facts("schema s"), &[]);
    let text = draft.text("try");
    let expected = "-- try\n--\n-- Not expressed:\n--   - cast (integer AS text)\n\n\
                    SET LOCAL check_function_bodies = off;\n\n-- loses data\nDROP TABLE s.t;\n";
    assert_eq!(text, expected);
}
