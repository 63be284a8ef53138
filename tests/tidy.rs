//! The rules of the design that no compiler and no lint knows: which module may name which, which
//! modules stay pure, where SQL lives, how files look.
//!
//! A rule is a function from one file to its violations (`tidy/layer.rs`, `tidy/text.rs`), or from all
//! files (`tidy/circle.rs`). Each has a test with an offending snippet, so that it was seen to fail.
//! `tidy/source.rs` reads the files. `tidy/search_path.rs` reads the functions of the bundle.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "tidy/circle.rs"]
mod circle;
#[path = "tidy/layer.rs"]
mod layer;
#[path = "tidy/path.rs"]
mod path;
#[path = "tidy/search_path.rs"]
mod search_path;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/text.rs"]
mod text;

use std::fmt;
use std::path::Path;

use source::Source;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl Violation {
    /// `what` names the mistake and the remedy.
    fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Self { path: source.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Finds the places in a file that break one rule.
type Rule = fn(&Source) -> Vec<Violation>;

#[test]
fn the_repository_is_tidy() {
    let sources = source::all(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(sources.iter().any(|s| s.path == "src/lib.rs"), "the sources were not found");
    let rules: Vec<Rule> = [layer::RULES, text::RULES].concat();
    let found = sources.iter().flat_map(|source| rules.iter().flat_map(|rule| rule(source)));
    let found = found.chain(circle::circles(&sources));
    let found: Vec<String> = found.map(|violation| violation.to_string()).collect();
    assert!(found.is_empty(), "{} violations\n{}", found.len(), found.join("\n"));
}

/// The lines on which `rule` finds fault with `text` as the content of `path`.
fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    rule(&Source::new(path, text)).iter().map(|violation| violation.line).collect()
}
