//! The README's generated tables: variables and exit codes, as the program itself knows them.
//!
//! A table stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. `cargo x docs` runs this
//! test with `UPDATE_DOCS=1`, which writes the tables instead of comparing them.

use std::path::PathBuf;

use db_tool::cli::{env, exit};

#[test]
fn the_tables_are_those_of_the_program() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let expected = with_table(&found, "variables", &variables());
    let expected = with_table(&expected, "exit-codes", &exit_codes());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, expected).unwrap();
    }
    let stale = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "the README's tables are stale, first here (`cargo x docs` renews them):\n{stale:#?}"
    );
}

#[test]
fn a_stale_table_is_replaced_and_nothing_else() {
    let text = "a\n<!-- t:begin -->\nold\n<!-- t:end -->\nb\n";
    let new = "a\n<!-- t:begin -->\nnew\n<!-- t:end -->\nb\n";
    assert_eq!(with_table(text, "t", "new\n"), new);
    assert_eq!(with_table(new, "t", "new\n"), new);
}

fn variables() -> String {
    let row = |v: &env::Variable| [format!("`{}`", v.name), v.default.into(), v.meaning.into()];
    table(["Variable", "Default", "Meaning"], env::TABLE.iter().map(row))
}

fn exit_codes() -> String {
    let row = |(code, meaning): &(exit::ExitCode, &str)| {
        [(*code as i32).to_string(), (*meaning).to_owned()]
    };
    table(["Code", "Meaning"], exit::TABLE.iter().map(row))
}

/// A Markdown table.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = rows.map(line).collect();
    line(head.map(str::to_owned)) + &line([(); N].map(|()| "---".to_owned())) + &rows
}

/// `text` with `table` between the markers of `name`.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("README lacks {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("README lacks {end}"));
    format!("{before}{begin}{table}{end}{after}")
}
