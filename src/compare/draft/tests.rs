//! Drafts, tested without a server: the statements and their order.

use super::Draft;
use crate::compare::facts::{Facts, Identity, Kind, Object};
use crate::compare::rows::{Change, TableDiff};

fn identity(text: &str) -> Identity {
    let (kind, name) = text.split_once(' ').expect("kind and name");
    let kind = Kind::named(&kind.replace('_', " ")).expect("a kind");
    Identity { kind, name: name.to_owned() }
}

/// Parses facts, one object on each line: `kind name [< kind, name of the containing object]:
/// property=value; …`, or `kind name needs kind name; …` for dependencies.
fn facts(text: &str) -> Facts {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (needs, objects): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.contains(" needs "));
    let object = |line: &str| {
        let (head, tail) = line.split_once(": ").unwrap_or((line, ""));
        let (own, container) = head.split_once(" < ").map_or((head, None), |(a, b)| (a, Some(b)));
        let properties = tail.split("; ").filter_map(|pair| pair.split_once('='));
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (
            identity(own),
            Object { container: container.map(identity), properties: properties.collect() },
        )
    };
    let needed = needs.into_iter().flat_map(|line| {
        let (one, others) = line.split_once(" needs ").expect("two sides");
        others.split("; ").map(move |other| (identity(one), identity(other)))
    });
    Facts::of_objects(objects.into_iter().map(object)).with_dependencies(needed)
}

/// The statements without settings and comments, each cut to its first line.
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
         function s.f(integer): definition=CREATE OR REPLACE FUNCTION s.f(integer)
         view s.a needs view s.b
         view s.b needs view s.c
         view s.c needs column s.t.a
         column s.early.z needs domain s.word; function s.f(integer)
         column s.late.z needs domain s.word
         constraint k on s.early needs column s.early.z; column s.late.z; constraint u on s.late
         constraint u on s.late needs column s.late.z"
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
             view s.w: definition= SELECT v.a FROM s.v
             view s.v needs column s.t.a
             view s.w needs view s.v"
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
         constraint b on s.t < table s.t: definition=CHECK (b IS NOT NULL)
         column s.t.b needs function s.f(integer)
         constraint b on s.t needs column s.t.b"
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
    let before = format!("{TABLE}\nsubscription c: enabled=no");
    let draft = Draft::new(&facts(&before), &facts("schema s"), &[]);
    let text = draft.text("try");
    let expected = "-- try\n--\n-- Not expressed:\n--   - subscription c\n\n\
                    SET LOCAL check_function_bodies = off;\n\n-- loses data\nDROP TABLE s.t;\n";
    assert_eq!(text, expected);
}

/// The text stays the same, but the functions that it calls change.
#[test]
fn a_replaced_overload_is_let_go() {
    let with = |arguments: &str| {
        format!(
            "{TABLE}
             column s.t.b < table s.t: type=boolean; default=s.ok(1); position=2
             function s.ok({arguments}): definition=CREATE OR REPLACE FUNCTION s.ok({arguments})
             policy p on s.t < table s.t: using=s.ok(a)
             policy p on s.t needs column s.t.a; function s.ok({arguments})
             column s.t.b needs function s.ok({arguments})"
        )
    };
    let expected = [
        "DROP POLICY p ON s.t;",
        "ALTER TABLE s.t ALTER COLUMN b DROP DEFAULT;",
        "DROP FUNCTION s.ok(integer);",
        "CREATE OR REPLACE FUNCTION s.ok(integer, integer);",
        "ALTER TABLE s.t ALTER COLUMN b SET DEFAULT s.ok(1);",
        "CREATE POLICY p ON s.t FOR ALL TO PUBLIC USING (s.ok(a));",
    ];
    assert_eq!(drafted(&with("integer"), &with("integer, integer"), &[]), expected);
}

#[test]
fn a_circle_is_opened_at_a_part() {
    let pair = format!(
        "{TABLE}
         table s.u
         column s.u.a < table s.u: type=integer; position=1
         constraint x on s.t < table s.t: definition=FOREIGN KEY (a) REFERENCES s.u(a)
         constraint y on s.u < table s.u: definition=FOREIGN KEY (a) REFERENCES s.t(a)
         constraint x on s.t needs column s.t.a; column s.u.a
         constraint y on s.u needs column s.u.a; column s.t.a"
    );
    let expected = ["ALTER TABLE s.t DROP CONSTRAINT x;", "DROP TABLE s.u;", "DROP TABLE s.t;"];
    assert_eq!(drafted(&pair, "schema s", &[]), expected);
    // a table, and a view that a policy of the table reads
    let pair = format!(
        "{TABLE}
         view s.v: definition= SELECT t.a FROM s.t
         policy p on s.t < table s.t: using=true
         view s.v needs column s.t.a
         policy p on s.t needs view s.v"
    );
    let expected = ["DROP POLICY p ON s.t;", "DROP VIEW s.v;", "DROP TABLE s.t;"];
    assert_eq!(drafted(&pair, "schema s", &[]), expected);
    // a default that takes a row of its table, and a check that takes a value of its domain
    let circle = "
         schema s
         table s.t
         column s.t.a < table s.t: type=integer; default=s.f(NULL::s.t); position=1
         function s.f(s.t): definition=CREATE OR REPLACE FUNCTION s.f(s.t)
         domain s.d: type=text
         constraint d_check on s.d < domain s.d: definition=CHECK (s.g(VALUE))
         function s.g(s.d): definition=CREATE OR REPLACE FUNCTION s.g(s.d)
         column s.t.a needs function s.f(s.t)
         function s.f(s.t) needs table s.t
         constraint d_check on s.d needs function s.g(s.d)
         function s.g(s.d) needs domain s.d";
    let expected = [
        "CREATE DOMAIN s.d AS text;",
        "CREATE TABLE s.t (",
        "CREATE OR REPLACE FUNCTION s.f(s.t);",
        "ALTER TABLE s.t ALTER COLUMN a SET DEFAULT s.f(NULL::s.t);",
        "CREATE OR REPLACE FUNCTION s.g(s.d);",
        "ALTER DOMAIN s.d ADD CONSTRAINT d_check CHECK (s.g(VALUE));",
    ];
    assert_eq!(drafted("schema s", circle, &[]), expected);
    let expected = [
        "ALTER DOMAIN s.d DROP CONSTRAINT d_check;",
        "DROP FUNCTION s.g(s.d);",
        "ALTER TABLE s.t ALTER COLUMN a DROP DEFAULT;",
        "DROP FUNCTION s.f(s.t);",
        "DROP TABLE s.t;",
        "DROP DOMAIN s.d;",
    ];
    assert_eq!(drafted(circle, "schema s", &[]), expected);
}

/// The second function has the lower rank, and no function calls the third.
#[test]
fn bodies_decide_where_nothing_else_does() {
    let function = |name: &str, body: &str| {
        let value = format!("CREATE OR REPLACE FUNCTION s.{name}()\nAS $${body}$$");
        let properties = [("definition".to_owned(), value)].into_iter().collect();
        (identity(&format!("function s.{name}()")), Object { container: None, properties })
    };
    let column = "column s.t.b < table s.t: type=integer; default=s.b(); position=2";
    let to = facts(&format!("{TABLE}\n{column}"));
    let functions =
        [("a", "SELECT 1"), ("b", "SELECT Z()"), ("z", "SELECT s.y()"), ("y", "SELECT z() FROM t")];
    let objects = to.iter().map(|(i, o)| (i.clone(), o.clone()));
    let objects = objects.chain(functions.map(|(name, body)| function(name, body)));
    let needed = [(identity("column s.t.b"), identity("function s.b()"))];
    let to = Facts::of_objects(objects).with_dependencies(needed);
    let groups = Draft::new(&facts(TABLE), &to, &[]).groups;
    let names = groups.iter().map(|group| group[0].split_whitespace().nth(4).unwrap_or_default());
    let names: Vec<_> = names.collect();
    assert_eq!(names, ["s.a()", "s.y()", "s.z()", "s.b()", "COLUMN"]);
}

#[test]
fn a_sequence_goes_on_past_the_rows() {
    let numbered = |identity: &str, sequence: &str| {
        format!(
            "{TABLE}
             column s.t.id < table s.t: type=integer; not null=yes; position=2{identity}
             sequence s.q < table s.t: owned by=s.t.id; {sequence}
             column s.t.id needs sequence s.q"
        )
    };
    let plain =
        format!("{TABLE}\ncolumn s.t.id < table s.t: type=integer; not null=yes; position=2");
    let (identity, serial) = ("; identity=always", "; default=nextval('s.q'::regclass)");
    let up = "start=1; increment=1; minimum=1; maximum=10";
    let down = "start=-1; increment=-1; minimum=-10; maximum=-1";
    let last = |from: &str, to: &str| drafted(from, to, &[]).pop().unwrap_or_default();
    let max = "SELECT pg_catalog.setval('s.q', pg_catalog.max(id)::bigint) FROM s.t";
    let min = "SELECT pg_catalog.setval('s.q', pg_catalog.min(id)::bigint) FROM s.t";
    for (from, to, expected) in [
        (plain.clone(), numbered(identity, up), max),
        (plain.clone(), numbered(serial, up), max),
        (numbered(serial, up), numbered(identity, up), max),
        (numbered(identity, up), numbered(serial, up), max),
        (numbered(identity, up), numbered(identity, down), min),
    ] {
        assert_eq!(last(&from, &to), expected);
    }
    let wider = "start=1; increment=1; minimum=1; maximum=11";
    assert_eq!(
        drafted(&numbered(identity, up), &numbered(identity, wider), &[]),
        ["ALTER SEQUENCE s.q START 1 INCREMENT 1 MINVALUE 1 MAXVALUE 11 CACHE 1 NO CYCLE;"]
    );
}

#[test]
fn a_sequence_is_within_its_bounds() {
    let sequence = |options: &str| format!("schema s\nsequence s.q: {options}");
    let change = |from: &str, to: &str| drafted(&sequence(from), &sequence(to), &[]);
    let usual = "start=1; increment=1; minimum=1; maximum=1000";
    let lifted = change(usual, "start=150; increment=1; minimum=100; maximum=1000");
    let begin = "SELECT pg_catalog.setval('s.q', 150, false) FROM s.q WHERE last_value < 100;";
    let alter =
        "ALTER SEQUENCE s.q START 150 INCREMENT 1 MINVALUE 100 MAXVALUE 1000 CACHE 1 NO CYCLE;";
    assert_eq!(lifted, [begin, alter]);
    let beyond = change(usual, "start=2000; increment=1; minimum=500; maximum=3000");
    assert!(
        beyond[0].contains("setval('s.q', 500, false) FROM s.q WHERE last_value < 500"),
        "{beyond:?}"
    );
    let anew = change(usual, "start=2000; increment=1; minimum=2000; maximum=3000");
    assert!(anew.len() == 1 && anew[0].ends_with(" NO CYCLE RESTART 2000;"), "{anew:?}");
    let descending = change(
        "start=9; increment=-1; minimum=1; maximum=9",
        "start=5; increment=-1; minimum=1; maximum=5",
    );
    assert!(descending[0].ends_with("5, false) FROM s.q WHERE last_value > 5;"), "{descending:?}");
}

/// PostgreSQL cannot check values of a domain nested in other types.
#[test]
fn a_check_below_other_types_comes_with_a_new_domain() {
    let domain = |kind: &str, check: &str| {
        format!(
            "schema s
             domain s.d: type=integer
             table s.t
             column s.t.a < table s.t: type={kind}; position=1
             column s.t.a needs domain s.d
             {check}"
        )
    };
    let check = "constraint c on s.d < domain s.d: definition=CHECK ((VALUE > 0))";
    let added = "ALTER DOMAIN s.d ADD CONSTRAINT c CHECK ((VALUE > 0));";
    assert_eq!(drafted(&domain("s.d", ""), &domain("s.d", check), &[]), [added]);
    let renewed = [
        "ALTER TYPE s.d RENAME TO \"d old\";",
        "CREATE DOMAIN s.d AS integer CONSTRAINT c CHECK ((VALUE > 0));",
        "ALTER TABLE s.t ALTER COLUMN a TYPE s.d[] USING a::text::s.d[];",
        "DROP TYPE s.\"d old\";",
    ];
    assert_eq!(drafted(&domain("s.d[]", ""), &domain("s.d[]", check), &[]), renewed);
}

#[test]
fn aggregates_are_put_together() {
    let aggregate = "schema s
        aggregate s.\"All\"(): transition function=int4pl(integer,integer); transition type=integer; \
        initial condition=it's; sort operator=>(integer,integer); parallel=s; final function options=s extra; comment=x";
    let made = [
        "CREATE AGGREGATE s.\"All\"(*) (SFUNC = int4pl, STYPE = integer, INITCOND = 'it''s', \
         FINALFUNC_MODIFY = SHAREABLE, FINALFUNC_EXTRA, SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE);",
        "COMMENT ON AGGREGATE s.\"All\"(*) IS 'x';",
    ];
    assert_eq!(drafted("schema s", aggregate, &[]), made);
    assert_eq!(drafted(aggregate, "schema s", &[]), ["DROP AGGREGATE s.\"All\"(*);"]);
}
