//! Migrations like those of a real project: hundreds, of every kind, up, down and up again.

use crate::support::migrator::MigratorProject;
use crate::support::{Outcome, bindir};

/// The number of migrations of each kind; there are eighteen kinds.
const ROUNDS: u32 = 17;

/// Makes a migration of one kind in round `n`: its name and its files.
type Kind = fn(u32) -> (&'static str, Vec<(&'static str, String)>);

/// In an order in which each kind finds the objects that it needs.
const KINDS: [Kind; 18] = [
    table,
    inherited,
    reference,
    function,
    copy,
    index,
    enumeration,
    value,
    view,
    trigger,
    policy,
    reference_rows,
    parts,
    condition,
    queried,
    windows,
    marked,
    same,
];

/// One file for each direction.
fn both(
    name: &'static str,
    up: String,
    down: String,
) -> (&'static str, Vec<(&'static str, String)>) {
    (name, vec![("up.sql", up), ("down.sql", down)])
}

fn table(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "-- it's a table; \"with\" $things$;\n/* that; looks like\n/* a nested */ comment; of SQL; */;\n\
         CREATE TABLE shop_{n} (\n  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n  \
         name text NOT NULL, -- don't; end here\n  \
         note text DEFAULT 'a;b''c \\ :name' CHECK (note <> E'\\';'),\n  \
         \"odd;name\" int[] DEFAULT '{{1,2}}'\n) INHERITS (hectic.created_at);\n\
         COMMENT ON TABLE shop_{n} IS $c$it's; -- no comment$c$;\nCREATE INDEX ON shop_{n} (name);\n"
    );
    both("table", up, format!("DROP TABLE shop_{n};\n"))
}

fn inherited(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE TABLE branch_{n} (city text) INHERITS (shop_{n});\n\
         CREATE TABLE part_{n} (at date NOT NULL, x int) INHERITS (hectic.updated_at, hectic.created_at);\n\
         ALTER TABLE branch_{n} ADD COLUMN size int DEFAULT 3, ALTER COLUMN city SET NOT NULL;\n"
    );
    both("inherited", up, format!("DROP TABLE part_{n};\nDROP TABLE branch_{n};\n"))
}

fn reference(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE TABLE unit_{n} (code text PRIMARY KEY) INHERITS (hectic.created_at, hectic.immutable);\n\
         INSERT INTO unit_{n} (code) VALUES ('kg'), ('m;s');\n"
    );
    both("reference", up, format!("DELETE FROM unit_{n};\nDROP TABLE unit_{n};\n"))
}

fn function(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE FUNCTION work_{n}(a int) RETURNS text LANGUAGE plpgsql AS $body$\nDECLARE\n  \
         said text := 'it''s; fine';\nBEGIN\n  \
         EXECUTE $q$SELECT $n$nested; $$ deeper $$ $n$::text$q$ INTO said;\n  \
         IF a > 1 THEN -- COMMIT; is only text\n    RETURN said || $$;$$;\n  END IF;\n  RETURN NULL;\nEND\n$body$;\n\
         CREATE FUNCTION sum_{n}(a int, b int) RETURNS int LANGUAGE sql\nBEGIN ATOMIC\n  SELECT a + b;\nEND;\n\
         DO $$ BEGIN PERFORM work_{n}(2); END $$;\n"
    );
    both("function", up, format!("DROP FUNCTION sum_{n}, work_{n};\n"))
}

fn copy(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "COPY shop_{n} (name, note) FROM STDIN;\none; two\tit's\nthree\t\\N\n-- four\t$$five\n\\\\.\t\\\\q\n\\.\n\
         COPY shop_{n} (name) FROM STDIN WITH (FORMAT csv);\n\"quoted; \"\"name\"\"\"\n\\.\n\
         UPDATE shop_{n} SET note = 'changed' WHERE name = 'three';\n"
    );
    both("copy", up, format!("DELETE FROM shop_{n};\n"))
}

fn index(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let first = "-- migrator: no-transaction\n";
    let up = format!(
        "{first}CREATE INDEX CONCURRENTLY shop_{n}_note ON shop_{n} (note);\nVACUUM shop_{n};\n\
         CREATE UNIQUE INDEX CONCURRENTLY shop_{n}_both ON shop_{n} (id, name)\n"
    );
    let down = format!(
        "{first}DROP INDEX CONCURRENTLY shop_{n}_both;\nDROP INDEX CONCURRENTLY shop_{n}_note;\n"
    );
    both("index", up, down)
}

fn enumeration(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE TYPE mood_{n} AS ENUM ('sad', 'it''s ok');\nCREATE DOMAIN few_{n} AS int CHECK (VALUE < 9);\n"
    );
    both("enumeration", up, format!("DROP DOMAIN few_{n};\nDROP TYPE mood_{n};\n"))
}

fn value(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let down = format!(
        "ALTER TYPE mood_{n} RENAME TO old_mood;\nCREATE TYPE mood_{n} AS ENUM ('sad', 'it''s ok');\nDROP TYPE old_mood;\n"
    );
    let first = "-- migrator: no-transaction\n";
    let up = format!(
        "{first}ALTER TYPE mood_{n} ADD VALUE IF NOT EXISTS 'glad' BEFORE 'sad';\nSELECT 'glad'::mood_{n};\n"
    );
    both("value", up, down)
}

fn view(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE VIEW names_{n} AS SELECT name, ';' AS semicolon FROM shop_{n} WHERE name <> '--';\n\
         CREATE MATERIALIZED VIEW counts_{n} AS SELECT count(*) AS n FROM shop_{n};\nREFRESH MATERIALIZED VIEW counts_{n};\n"
    );
    both("view", up, format!("DROP MATERIALIZED VIEW counts_{n};\nDROP VIEW names_{n};\n"))
}

fn trigger(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "CREATE FUNCTION touch_{n}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  NEW.note := 'touched; ' || NEW.name;\n  RETURN NEW;\nEND $$;\n\
         CREATE TRIGGER touch BEFORE UPDATE ON shop_{n} FOR EACH ROW EXECUTE FUNCTION touch_{n}();\n"
    );
    both("trigger", up, format!("DROP TRIGGER touch ON shop_{n};\nDROP FUNCTION touch_{n};\n"))
}

fn policy(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "ALTER TABLE shop_{n} ENABLE ROW LEVEL SECURITY;\n\
         CREATE POLICY own ON shop_{n} USING (name = current_user) WITH CHECK (note IS DISTINCT FROM ';');\n\
         GRANT SELECT (name) ON shop_{n} TO PUBLIC;\n"
    );
    let down = format!(
        "REVOKE SELECT (name) ON shop_{n} FROM PUBLIC;\nDROP POLICY own ON shop_{n};\nALTER TABLE shop_{n} DISABLE ROW LEVEL SECURITY;\n"
    );
    both("policy", up, down)
}

/// Rows of an immutable table can change in migrations, but not in later sessions.
fn reference_rows(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "INSERT INTO unit_{n} (code) VALUES ('s');\nUPDATE unit_{n} SET code = 'g' WHERE code = 'kg';\n"
    );
    let down = format!(
        "UPDATE unit_{n} SET code = 'kg' WHERE code = 'g';\nDELETE FROM unit_{n} WHERE code = 's';\n"
    );
    both("reference rows", up, down)
}

fn parts(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let table = format!(
        "CREATE TABLE parted_{n} (x int) INHERITS (hectic.created_at);\n\\ir deeper/rows.sql\n"
    );
    let files = vec![
        ("up/entrypoint.sql", "\\ir parts/table.sql\n\\ir 'parts/the view.sql'\n".to_owned()),
        ("up/parts/table.sql", table),
        ("up/parts/deeper/rows.sql", format!("INSERT INTO parted_{n} (x) VALUES (1), (2);\n")),
        ("up/parts/the view.sql", format!("CREATE VIEW parted_view_{n} AS TABLE parted_{n};\n")),
        ("down/entrypoint.sql", format!("DROP VIEW parted_view_{n};\n\\ir rest.sql\n")),
        ("down/rest.sql", format!("DROP TABLE parted_{n}")),
    ];
    ("parts", files)
}

fn condition(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "\\if :{{?absent}}\nSELECT nothing FROM nowhere;\n\\elif true\n\\set kind 'wid''get'\n\
         CREATE TABLE :\"kind\" (name text DEFAULT :'kind') INHERITS (hectic.created_at);\n\
         ALTER TABLE :\"kind\" RENAME TO kind_{n};\n\\else\nSELECT 1/0;\n\\endif\n"
    );
    both("condition", up, format!("DROP TABLE kind_{n};\n"))
}

/// A setting of one migration does not reach the next.
fn queried(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "\\if :{{?kind}}\nSELECT 'left by the migration before' / 0;\n\\endif\n\
         SET search_path = pg_temp; RESET search_path; SET statement_timeout = '1h';\n\
         SELECT {n} AS number, 'seq_{n}' AS name \\gset it_\n\
         CREATE SEQUENCE :it_name START :it_number;\nSELECT format('COMMENT ON SEQUENCE %I IS %L', :'it_name', 'it''s') \\gexec\n"
    );
    both("queried", up, format!("DROP SEQUENCE seq_{n};\n"))
}

fn windows(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "-- from another system\nCREATE TABLE crlf_{n} (\n  a text DEFAULT 'two\nlines'\n) INHERITS (hectic.created_at);\n\
         CREATE FUNCTION crlf_{n}() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND\n$$;\n"
    );
    let down = format!("DROP FUNCTION crlf_{n};\nDROP TABLE crlf_{n};\n");
    both("windows", up.replace('\n', "\r\n"), down.replace('\n', "\r\n"))
}

fn marked(n: u32) -> (&'static str, Vec<(&'static str, String)>) {
    let up = format!(
        "\u{feff}CREATE TABLE \"märked_{n}\" (\"größe\" int) INHERITS (hectic.created_at);\n"
    );
    both("marked größe", up, format!("\u{feff}DROP TABLE \"märked_{n}\";\n"))
}

fn same(_: u32) -> (&'static str, Vec<(&'static str, String)>) {
    both("same", "SELECT 1;\n".to_owned(), String::new())
}

fn write(project: &MigratorProject, rounds: u32) -> u32 {
    let mut number = 0;
    for round in 1..=rounds {
        for kind in KINDS {
            number += 1;
            let (name, files) = kind(round);
            for (file, text) in files {
                let version = 20_250_101_000_000_u64 + u64::from(number) * 7;
                project.write(&format!("migration/{version}-{name}/{file}"), text);
            }
        }
    }
    number
}

/// The whole database but the history of migrations.
fn dump(project: &MigratorProject) -> String {
    let url = project.url("app");
    let program = bindir().join("pg_dump");
    let arguments = ["-d", url.as_str(), "--exclude-table-data=hectic.migration*"];
    let dump = project.run(program.to_str().unwrap(), arguments).success().stdout;
    // newer releases begin and end a dump with a random word
    let lines = dump
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The dump without times of rows, which differ. The number of rows and all else must be equal.
fn without_times(dump: &str) -> String {
    let day = |word: &str| word.len() > 18 && word.starts_with("20") && word.contains(':');
    let line = |line: &str| {
        let words = line.split('\t').map(|word| if day(word) { "[TIME]" } else { word });
        words.collect::<Vec<_>>().join("\t") + "\n"
    };
    dump.lines().map(line).collect()
}

#[track_caller]
fn moved(outcome: &Outcome, verb: &str, number: u32) {
    let lines = outcome.stderr.lines().filter(|line| line.starts_with(verb)).count();
    assert_eq!(lines, usize::try_from(number).unwrap(), "{outcome}");
}

#[track_caller]
fn same_dump(one: &str, other: &str) {
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "the dumps differ: {differs:?}");
}

#[test]
fn hundreds_forward_back_and_forward() {
    let project = MigratorProject::with_gate();
    let number = write(&project, ROUNDS);
    project.migrator(["init"]).success();
    let empty = dump(&project);
    moved(&project.up_all(), "applied ", number);
    let full = without_times(&dump(&project));
    let states = "SELECT state || ' ' || count(*) FROM hectic.migration_state GROUP BY state";
    assert_eq!(project.ask(states), format!("Migrated {number}"));
    let info = project.migrator(["info"]).success();
    assert_eq!(info.stdout.matches("Migrated").count(), usize::try_from(number).unwrap(), "{info}");
    project.migrator(["validate"]).success();
    moved(&project.migrator(["migrate", "down", "all"]).success(), "reverted ", number);
    assert_eq!(project.ask(states), format!("Undone {number}"));
    same_dump(&dump(&project), &empty);
    moved(&project.up_all(), "applied ", number);
    same_dump(&without_times(&dump(&project)), &full);
    project.nothing_left();
    let outside = project.try_ask("DELETE FROM unit_1");
    assert_eq!(outside, None, "reference data is immutable outside migrations");
}

/// The fetched files equal the original ones.
#[test]
fn a_round_fetched_and_verified() {
    let mut project = MigratorProject::with_gate();
    let number = write(&project, 1);
    project.up_all();
    let fetched = project.path("fetched");
    project.migrator(["-d", fetched.to_str().unwrap(), "fetch"]).success();
    let was = project.path("migration");
    project.run("diff", ["-r".as_ref(), was.as_os_str(), fetched.as_os_str()]).success();
    project.set("MIGRATION_DIR", &fetched);
    project.migrator(["validate"]).success();
    project.migrator(["migrate", "redo", "18"]).success();
    let verified = project.migrator(["verify"]).success();
    assert!(verified.stderr.contains(&format!("verified: {number} migrations")), "{verified}");
}
