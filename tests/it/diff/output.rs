//! The output of diff: its content, its place and its form.

use super::support::{LiveProject, parsed};
use crate::support::{assert_golden, program};

/// One difference of most kinds, each with a name that is easy to read.
fn mixed() -> LiveProject {
    let reference = |rows: &str| {
        format!(
            "CREATE TABLE currency (code text PRIMARY KEY, name text, digits int) INHERITS (hectic.created_at, hectic.immutable);
             BEGIN; SET LOCAL hectic.migration_mode = 'on'; INSERT INTO currency (code, name, digits) VALUES {rows}; COMMIT;"
        )
    };
    let live = LiveProject::new(
        &("CREATE ROLE reader; CREATE TABLE orders (id int PRIMARY KEY, total int, old text) INHERITS (hectic.created_at);
           CREATE TABLE gone () INHERITS (hectic.created_at);
           CREATE FUNCTION net(total int) RETURNS numeric LANGUAGE sql AS $$
             SELECT total
                    / 1.19
                    -- and that is all
           $$;
           GRANT SELECT ON orders TO reader; COMMENT ON TABLE orders IS 'what is sold';"
            .to_owned()
            + &reference("('EUR', 'Euro', 2), ('JPY', E'Yen\\tor\\x1b[31m not', NULL), ('XXX', '', 0)")),
    );
    live.source(
        &("CREATE ROLE reader; CREATE TABLE orders (id int, total bigint NOT NULL, CONSTRAINT orders_key PRIMARY KEY (id)) INHERITS (hectic.created_at);
           CREATE TYPE mood AS ENUM ('good', 'bad');
           CREATE FUNCTION net(total int) RETURNS numeric LANGUAGE sql AS $$
             SELECT total
                    / 1.07
                    -- and that is all
           $$;
           COMMENT ON TABLE orders IS 'what was sold, by whom and to whom, since the beginning of the year in which the first customer came and bought something that cost money; returned goods stay here';"
            .to_owned()
            + &reference("('EUR', 'euro', 2), ('JPY', 'NULL', 0), ('CHF', 'Swiss franc', 2)")),
    );
    live
}

#[test]
fn a_mixed_case_in_every_form() {
    let live = mixed();
    let text = live.diff([]).fails(1, []);
    assert_golden("diff-mixed.txt", &text.block(&live));
    assert!(!text.stdout.contains('\u{1b}'), "{text}");
    let json = live.diff(["--format", "json"]).fails(1, []);
    assert_golden("diff-mixed.json", &json.stdout);
    let report = parsed(&json);
    for field in ["a", "b", "counting", "other", "schema", "rows"] {
        assert!(!report[field].is_null(), "{field}");
    }
    // into a file, and nothing else
    for (format, expected) in [("text", &text), ("json", &json)] {
        let written = live.diff(["--format", format, "-o", "diff.out"]).fails(1, []);
        assert_eq!((written.stdout.as_str(), &written.stderr), ("", &expected.stderr));
        assert_eq!(live.read("diff.out"), expected.stdout);
    }
}

#[test]
fn a_program_gets_an_object_and_a_file_is_emptied_when_nothing_differs() {
    let live = LiveProject::new("SELECT 1;");
    let report = live.report([]);
    let empty = serde_json::json!({
        "a": "database", "b": "sources", "counting": 0, "other": 0, "schema": [], "rows": [], "ignored": [],
    });
    assert_eq!(report, empty);
    live.write("diff.out", "of yesterday");
    live.diff(["--output", "diff.out"]).success();
    assert_eq!(live.read("diff.out"), "");
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    let live = LiveProject::new("SELECT 1;");
    live.change("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';");
    let command = format!("{} diff --against '{}'", program("database"), live.live());
    live.run("bash", ["-c", &format!("set -o pipefail; {command} | true")])
        .fails(1, ["1 difference"]);
    live.run("bash", ["-c", &format!("{command} >&-")]).fails(1, ["1 difference"]);
    // a full disk is no difference
    live.run("bash", ["-c", &format!("{command} > /dev/full")]).fails(13, ["standard output"]);
    live.diff(["-o", "no/such/directory"]).fails(13, ["no/such/directory"]);
}

#[test]
fn only_a_terminal_gets_colours() {
    let mut live = LiveProject::new("SELECT 1;");
    live.change("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';");
    live.set("TERM", "xterm-256color");
    let command = format!("{} diff --against '{}'", program("database"), live.live());
    let record = live.path("typescript").display().to_string();
    let shown = |live: &LiveProject, more: &str| {
        live.run("script", ["-qec", &format!("{command} {more}"), &record]).fails(1, []).stdout
    };
    let coloured = "\u{1b}[31m- function";
    assert!(shown(&live, "").contains(coloured));
    assert!(!shown(&live, "-o diff.out").contains(coloured));
    assert!(!live.read("diff.out").contains('\u{1b}'));
    assert!(!shown(&live, "--format json").contains("\u{1b}[31m "));
    live.set("PAGER", "sed s/^/paged:/");
    assert!(shown(&live, "").contains(&format!("paged:{coloured}")));
    assert!(!shown(&live, "-o diff.out").contains("paged"));
    live.set("PAGER", "/no/such/pager");
    assert!(shown(&live, "").contains(coloured), "there all the same");
    live.set("NO_COLOR", "1");
    assert!(!shown(&live, "").contains("\u{1b}[31m"));
    live.unset("NO_COLOR");
    live.set("NO_TTY", "1");
    assert!(!shown(&live, "").contains(coloured));
}

#[test]
fn verbose_tells_how_long_each_part_took() {
    let live = LiveProject::new("SELECT;");
    let said = live.database(["--verbose", "diff", "--against", &live.live()]).success().stderr;
    for part in [
        "both sides prepared",
        "schema of the database read",
        "schema of the sources read",
        "rows compared",
    ] {
        let begin = format!("{part} in ");
        let line = said.lines().find(|line| line.starts_with(&begin));
        assert!(line.is_some_and(|line| line.ends_with(" ms")), "{part}: {said}");
    }
}
