//! What a stream says about each of its tests, for a report.

/// The lines of diagnostics that are kept for a test.
const MOST_LINES: usize = 200;

/// A test of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The number that the stream gives the test.
    pub number: Option<String>,
    /// The description, without the directive.
    pub description: String,
    /// Whether the line says `ok`.
    pub ok: bool,
    /// Whether the test counts as passed: it is `ok`, or nobody expects that it is.
    pub passes: bool,
    /// Why a result does not count.
    pub directive: Option<Directive>,
    /// The statement that printed the line, as [`super::Tap::begin_statement`] numbered it.
    pub statement: Option<usize>,
    /// The lines of the subtests that failed, and the comments behind the test, without `#`.
    pub diagnostics: Vec<String>,
}

/// A directive with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directive {
    /// The test may fail.
    Todo(String),
    /// The test did not run.
    Skip(String),
}

/// The tests so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) tests: Vec<Record>,
    /// The current statement.
    pub(super) statement: Option<usize>,
    /// The lines of subtests since the last test. The test to which they belong follows them.
    before: Vec<String>,
}

impl Records {
    pub(super) fn test(&mut self, record: Record) {
        let mut diagnostics = std::mem::take(&mut self.before);
        if record.passes {
            diagnostics.clear();
        }
        self.tests.push(Record { statement: self.statement, diagnostics, ..record });
    }

    /// Takes a comment of the stream itself.
    pub(super) fn comment(&mut self, line: &str) {
        if let Some(test) = self.tests.last_mut() {
            add(&mut test.diagnostics, without_mark(line));
        }
    }

    /// Takes a line that is no TAP of the stream itself; it may belong to a subtest.
    pub(super) fn other(&mut self, line: &str) {
        let inner = line.trim_start();
        let is_comment = inner.starts_with('#') && !inner.starts_with("# Subtest");
        if inner.len() < line.len() && (inner.starts_with("not ok") || is_comment) {
            add(&mut self.before, if is_comment { without_mark(inner) } else { inner });
        }
    }
}

fn add(lines: &mut Vec<String>, line: &str) {
    if lines.len() < MOST_LINES {
        lines.push(line.to_owned());
    }
}

/// A comment without `#` and the blank behind it. Further blanks show how lines belong together.
fn without_mark(line: &str) -> &str {
    let text = line.strip_prefix('#').unwrap_or(line);
    text.strip_prefix(' ').unwrap_or(text).trim_end()
}

impl Record {
    /// The value that the test expects and the one that it has found, as pgTAP prints them: after
    /// `want:` and `have:`, or after `wanted:` and `caught:`.
    pub fn values(&self) -> Option<(String, String)> {
        let value = |names: [&str; 2]| names.iter().find_map(|name| self.value(name));
        Some((value(["want:", "wanted:"])?, value(["have:", "caught:"])?))
    }

    /// The lines behind a key up to the next key.
    fn value(&self, name: &str) -> Option<String> {
        let at = self.diagnostics.iter().position(|line| line.trim_start().starts_with(name))?;
        let (first, rest) = self.diagnostics[at..].split_first()?;
        let first = first.trim_start().strip_prefix(name)?.trim_start().to_owned();
        let keys = ["have:", "want:", "caught:", "wanted:", "Failed test", "Looks like"];
        let is_key = |line: &&String| keys.iter().any(|key| line.trim_start().starts_with(key));
        let lines = rest.iter().take_while(|line| !is_key(line)).map(String::as_str);
        Some(std::iter::once(first.as_str()).chain(lines).collect::<Vec<_>>().join("\n"))
    }
}
