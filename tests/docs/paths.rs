//! The documents for contributors name rooms and files that exist, and every room.

use super::page::{self, Page};

/// Beginnings of paths in the repository.
const ROOTS: [&str; 6] = ["src/", "sql/", "tests/", "xtask/", "nix/", ".ci/"];

#[test]
fn every_path_exists() {
    let pages = page::all();
    let for_contributors = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
    let pages = pages.iter().filter(|page| for_contributors.contains(&page.path.as_str()));
    let missing: Vec<String> = pages.flat_map(missing_paths).collect();
    assert!(missing.is_empty(), "there is no\n{}", missing.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let text = std::fs::read_to_string(page::root().join("ARCHITECTURE.md")).unwrap();
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(page::root().join("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let slash = if entry.path().is_dir() { "/" } else { "" };
        if !["bin", "lib.rs"].contains(&name.as_str())
            && !text.contains(&format!("`src/{name}{slash}`"))
        {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

#[test]
fn a_missing_path_is_found() {
    let page = |text: &str| Page { path: "a.md".into(), text: text.into() };
    assert_eq!(
        missing_paths(&page("`src/lib.rs` and `sql/query/ROOM/QUERY.sql` and src/x")),
        [""; 0]
    );
    assert_eq!(missing_paths(&page("| `src/absent/` |")), ["a.md:1: src/absent/"]);
}

/// The paths in code spans of `page` that do not exist. Capitals are placeholders.
fn missing_paths(page: &Page) -> Vec<String> {
    let mut missing = Vec::new();
    for (line, text) in page.prose() {
        for span in text.split('`').skip(1).step_by(2) {
            let is_path = ROOTS.iter().any(|root| span.starts_with(root)) && !span.contains(' ');
            let has_placeholder = span.contains(|c: char| c.is_ascii_uppercase() || c == '*');
            if is_path && !has_placeholder && !page::root().join(span).exists() {
                missing.push(format!("{}:{line}: {span}", page.path));
            }
        }
    }
    missing
}
