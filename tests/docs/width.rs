//! The lines of the documents: their width, and code spans that do not continue on the next line.

use super::page::{self, Page};

/// The widest line of prose, in characters.
const WIDTH: usize = 100;

/// Documents that are older than the rule.
const OLDER: [&str; 5] =
    ["CHANGELOG.md", "SECURITY.md", "docs/bundle-cost.md", "docs/reliability.md", "sql/README.md"];

#[test]
fn lines_of_prose_fit_into_a_window() {
    let pages = page::all();
    let ours = pages.iter().filter(|page| !OLDER.contains(&page.path.as_str()));
    let wide: Vec<String> = ours.flat_map(too_wide).collect();
    assert!(wide.is_empty(), "wrap at {WIDTH} characters\n{}", wide.join("\n"));
}

#[test]
fn a_code_span_is_on_one_line() {
    let pages = page::all();
    let ours = pages.iter().filter(|page| !OLDER.contains(&page.path.as_str()));
    let broken: Vec<String> = ours.flat_map(broken_spans).collect();
    assert!(broken.is_empty(), "keep each code span on one line\n{}", broken.join("\n"));
}

#[test]
fn a_broken_span_is_found() {
    let text = "`a`, `b`\n`a\nb`\n```text\n`\n```\n".to_owned();
    let page = Page { path: "a.md".into(), text };
    assert_eq!(broken_spans(&page), ["a.md:2", "a.md:3"]);
}

#[test]
fn a_wide_line_is_found() {
    let page = |text: String| Page { path: "a.md".into(), text };
    assert_eq!(too_wide(&page(format!("a\n{}\n", "é".repeat(WIDTH + 1)))), ["a.md:2"]);
    let table = format!("| {} |\n", "b".repeat(WIDTH));
    for fits in ["é".repeat(WIDTH), table.clone(), format!("```text\n{table}```\n")] {
        assert_eq!(too_wide(&page(fits)), [""; 0]);
    }
}

/// The lines of prose that are too wide; a row of a table cannot be wrapped.
fn too_wide(page: &Page) -> Vec<String> {
    let wide = |line: &str| line.chars().count() > WIDTH && !line.starts_with('|');
    let lines = page.prose().into_iter().filter(|(_, line)| wide(line));
    lines.map(|(number, _)| format!("{}:{number}", page.path)).collect()
}

/// The lines of prose that open a code span and do not close it: other tests would misread it.
fn broken_spans(page: &Page) -> Vec<String> {
    let odd = |line: &str| line.matches('`').count() % 2 == 1;
    let lines = page.prose().into_iter().filter(|(_, line)| odd(line));
    lines.map(|(number, _)| format!("{}:{number}", page.path)).collect()
}
