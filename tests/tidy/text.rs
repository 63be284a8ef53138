//! Rules about the text of files.

use super::source::Source;
use super::{Rule, Violation};

/// Every rule of this file.
pub(crate) const RULES: &[Rule] = &[
    sql_lives_in_sql,
    properties_are_constants,
    no_panics,
    no_allow,
    files_are_short,
    files_open_with_prose,
    no_stray_blanks,
    no_machine_paths,
    tests_wait_for_events,
];

/// The longest file, in lines.
const LONGEST_FILE: usize = 400;
/// The longest statement outside `sql/`, in characters and in words. It suffices for a `CREATE
/// DATABASE {}` with its options, which takes no bound values.
const LONGEST_SQL: (usize, usize) = (40, 8);

/// No SQL longer than an identifier outside `sql/`.
fn sql_lives_in_sql(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let what = "SQL of this length lives in sql/, runnable by hand: include_str! it";
    let long = |text: &str| {
        text.chars().count() > LONGEST_SQL.0 || text.split_whitespace().count() > LONGEST_SQL.1
    };
    let hits = source.strings.iter().filter(|(_, text)| is_statement(text) && long(text.trim()));
    hits.map(|(line, _)| Violation::new(source, *line, what)).collect()
}

/// Whether a text begins like a statement, in capitals.
fn is_statement(text: &str) -> bool {
    const VERBS: [&str; 15] = [
        "ALTER", "BEGIN", "COMMENT", "COPY", "CREATE", "DELETE", "DO", "DROP", "GRANT", "INSERT",
        "REVOKE", "SELECT", "TRUNCATE", "UPDATE", "WITH",
    ];
    // `\n\` and the like at the start of a literal are not part of the statement.
    let text = text.trim_start_matches("\\n").trim_start_matches('\\').trim_start();
    let mut words = text.split_whitespace();
    words.next().is_some_and(|first| VERBS.contains(&first)) && words.next().is_some()
}

/// The compiler does not find a misspelt property. So code names properties by constants, which a
/// test compares with the queries.
fn properties_are_constants(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/compare/") {
        return Vec::new();
    }
    let what = "use a constant of compare::facts::property";
    // the code has blanks where a literal was, and rustfmt leaves none behind a parenthesis
    matching(&source.code, &[".get( "], source, what)
}

/// Code outside tests returns an error and does not panic.
fn no_panics(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let calls = [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("];
    matching(&source.code, &calls, source, "return an Error instead")
}

/// An exception has a reason: `#[expect(…, reason = "…")]`, which also fails when nothing needs it
/// any more.
fn no_allow(source: &Source) -> Vec<Violation> {
    let what = "use #[expect(…, reason = \"…\")] instead";
    matching(&source.code, &["#[allow", "#![allow"], source, what)
}

/// A reader can read a file in one sitting.
fn files_are_short(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().count();
    if !source.is_rust() || lines <= LONGEST_FILE {
        return Vec::new();
    }
    let what = format!("has {lines} lines, {LONGEST_FILE} are the limit: split it by subject");
    vec![Violation::new(source, LONGEST_FILE + 1, what)]
}

/// A test that counts seconds fails on a busy machine. A `kill` of a process that has gone prints
/// noise.
fn tests_wait_for_events(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with("tests/it/") || source.path == "tests/it/support/wait.rs" {
        return Vec::new();
    }
    let what = "wait for the event itself, by `support::wait`";
    let calls = ["thread::sleep", "Instant::now", ".elapsed()", "recv_timeout"];
    let mut found = matching(&source.code, &calls, source, what);
    let kills = source.strings.iter().filter(|(_, text)| text == "kill");
    found.extend(kills.map(|(line, _)| Violation::new(source, *line, "use `wait::signal`")));
    found
}

/// The first line describes the purpose of the file.
fn files_open_with_prose(source: &Source) -> Vec<Violation> {
    if !source.is_rust() || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![Violation::new(source, 1, "open the file with a `//!` comment that says what it is for")]
}

/// No tabs, no blanks at the end of a line, one newline at the end of the file.
fn no_stray_blanks(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    // The data of a COPY is separated by tabs.
    let tabs_matter = source.path.ends_with(".sql") && !source.path.starts_with("sql/");
    for (index, line) in source.text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) && !tabs_matter {
            found.push(Violation::new(source, index + 1, "remove the blanks at the end"));
        } else if line.contains('\t') && !tabs_matter {
            found.push(Violation::new(source, index + 1, "replace the tab by spaces"));
        }
    }
    if !source.text.ends_with('\n') || source.text.ends_with("\n\n") {
        let last = source.text.lines().count();
        found.push(Violation::new(source, last, "end the file with exactly one newline"));
    }
    found
}

/// No path of the author's machine.
fn no_machine_paths(source: &Source) -> Vec<Violation> {
    let what = "names a directory of one machine: use a relative path or a variable";
    let lines = source.text.lines().enumerate().filter(|(_, line)| has_machine_path(line));
    lines.map(|(index, _)| Violation::new(source, index + 1, what)).collect()
}

fn has_machine_path(line: &str) -> bool {
    // The word is in two parts, because the rule reads this file as well.
    let root = concat!("/ro", "ot/");
    let mut homes = line.split(concat!("/ho", "me/")).skip(1);
    // The place of Homebrew on every Linux machine.
    let personal =
        |rest: &str| rest.starts_with(char::is_alphanumeric) && !rest.starts_with("linuxbrew/");
    line.contains(root) || homes.any(personal)
}

/// A violation for every line of `text` that has one of `words`.
fn matching(text: &str, words: &[&str], source: &Source, what: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(**word)) {
            found.push(Violation::new(source, index + 1, format!("has `{word}`; {what}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn a_test_neither_sleeps_nor_counts_seconds_nor_starts_kill() {
        let text = "a();\nstd::thread::sleep(x);\nlet at = Instant::now();\nCommand::new(\"kill\");\n// thread::sleep\n";
        assert_eq!(lines(tests_wait_for_events, "tests/it/a.rs", text), [2, 3, 4]);
        assert_eq!(lines(tests_wait_for_events, "tests/it/support/wait.rs", text), [0; 0]);
        assert_eq!(lines(tests_wait_for_events, "src/a.rs", text), [0; 0]);
    }

    #[test]
    fn long_sql_may_not_stand_in_code() {
        let red = "let a = \"SELECT count(*) FROM pg_stat_activity WHERE pid <> $1\";\n\
                   let b = r#\"\n  WITH a AS (SELECT 1) SELECT a, b, c, d, e FROM a\"#;\n";
        assert_eq!(lines(sql_lives_in_sql, "src/bundle.rs", red), [1, 2]);
        let green = "let a = \"CREATE DATABASE {} TEMPLATE template0\";\n// SELECT a lot of things from a comment\n\
                     let b = \"Select one of the entries above by its number, or its name\";\n";
        assert_eq!(lines(sql_lives_in_sql, "src/bundle.rs", green), [0; 0]);
    }

    #[test]
    fn properties_may_not_be_bare_strings() {
        let red = "let a = object.get(\"type\");\nobject.get(property::TYPE);\n";
        assert_eq!(lines(properties_are_constants, "src/compare/draft/a.rs", red), [1]);
        assert_eq!(lines(properties_are_constants, "src/pull/a.rs", red), [0; 0]);
    }

    #[test]
    fn panics_may_stand_in_tests_only() {
        let red = "let a = b.unwrap();\nlet c = d.expect(\"e\");\n";
        assert_eq!(lines(no_panics, "src/a.rs", red), [1, 2]);
        let green = "a.unwrap_or(1);\n#[cfg(test)]\nmod tests {\n    fn f() { a.unwrap(); }\n}\n";
        assert_eq!(lines(no_panics, "src/a.rs", green), [0; 0]);
    }

    #[test]
    fn exceptions_say_why() {
        let red = format!("#[{}(dead_code)]\n#![{0}(x)]\n", "allow");
        assert_eq!(lines(no_allow, "src/a.rs", &red), [1, 2]);
        assert_eq!(lines(no_allow, "src/a.rs", "#[expect(x, reason = \"y\")]\n"), [0; 0]);
    }

    #[test]
    fn long_files_are_split() {
        assert_eq!(lines(files_are_short, "src/a.rs", &"x\n".repeat(401)), [401]);
        assert_eq!(lines(files_are_short, "src/a.rs", &"x\n".repeat(400)), [0; 0]);
        assert_eq!(lines(files_are_short, "README.md", &"x\n".repeat(401)), [0; 0]);
    }

    #[test]
    fn files_say_what_they_are_for() {
        assert_eq!(lines(files_open_with_prose, "src/a.rs", "fn main() {}\n"), [1]);
        assert_eq!(lines(files_open_with_prose, "src/a.rs", "//! A.\n"), [0; 0]);
    }

    #[test]
    fn blanks_are_not_left_behind() {
        let red = "a \nb\tc\nd\r\ne\n";
        assert_eq!(lines(no_stray_blanks, "src/a.rs", red), [1, 2, 3]);
        assert_eq!(lines(no_stray_blanks, "sql/a.sql", red), [1, 2, 3]);
        assert_eq!(lines(no_stray_blanks, "nix/template/a.sql", red), [0; 0]);
        assert_eq!(lines(no_stray_blanks, "README.md", "a"), [1]);
        assert_eq!(lines(no_stray_blanks, "README.md", "a\n\n"), [2]);
    }

    #[test]
    fn machines_are_not_named() {
        let red = ["/ro", "ot/x\n", "/ho", "me/ann/x\n"].concat();
        assert_eq!(lines(no_machine_paths, "README.md", &red), [1, 2]);
        let green = "/root\n/home/$USER\n~/x\n";
        assert_eq!(lines(no_machine_paths, "README.md", green), [0; 0]);
    }
}
