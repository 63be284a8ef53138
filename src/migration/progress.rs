//! Records the progress of a migration that runs without a transaction.
//!
//! If it fails, its completed statements stay, so the user must know which ones. psql runs copies
//! of the files. In a copy, each statement is followed, on the same line, by a statement that
//! records progress in the history. The line numbers stay the same, and errors name the original
//! file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::script::quote_argument;
use super::source::{Part, Source};
use crate::postgres::psql::lexer::{End, Item, Script};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;
use crate::sys::error::Result;
use crate::sys::scratch::Scratch;

/// The copies, removed when this value is dropped.
#[derive(Debug)]
pub struct Copies {
    scratch: Scratch,
    originals: Vec<PathBuf>,
}

impl Copies {
    /// Copies a source into a private directory inside `scratch`.
    pub fn make(source: &Source, set: &str, version: i64, scratch: &Path) -> Result<Self> {
        let scratch = Scratch::new(scratch)?;
        let changes_role = source.parts.iter().any(|part| {
            let text = part.text.to_lowercase();
            text.contains("role") || text.contains("authorization")
        });
        let mut note = |statements, within| match within {
            true => one_line(sql!("migration/note-within")),
            false => note(set, version, statements, changes_role),
        };
        let mut progress = Progress::default();
        for (number, part) in source.parts.iter().enumerate() {
            let text = annotated(part, &part.scan()?, scratch.path(), &mut note, &mut progress);
            scratch.write(&file_name(number), &text)?;
        }
        let originals = source.parts.iter().map(|part| part.path.clone()).collect();
        Ok(Self { scratch, originals })
    }

    /// The copy with which the runner starts psql. It includes the others.
    pub fn entry(&self) -> PathBuf {
        copy(self.scratch.path(), 0)
    }

    /// The original of the copy `path`.
    pub fn original(&self, path: &Path) -> Option<PathBuf> {
        let number =
            (0..self.originals.len()).find(|number| copy(self.scratch.path(), *number) == path)?;
        Some(self.originals[number].clone())
    }
}

/// Builds the statement that records progress, on one line.
fn note(set: &str, version: i64, statements: usize, changes_role: bool) -> String {
    let template = match changes_role {
        true => sql!("migration/note-statement-as-migrator"),
        false => sql!("migration/note-statement"),
    };
    let (version, statements) = (version.to_string(), statements.to_string());
    let values = [("set", quote_literal(set)), ("version", version), ("statements", statements)];
    fill(&one_line(template), &values.each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn one_line(template: &str) -> String {
    let lines = template.lines().filter(|line| !line.starts_with("--"));
    lines.flat_map(|line| [" ", line]).collect()
}

/// The progress through the text of a file.
#[derive(Debug, Default)]
struct Progress {
    /// The number of complete statements so far.
    statements: usize,
    /// The file has opened a transaction.
    within: bool,
}

impl Progress {
    fn pass(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.within = match words.as_slice() {
            ["BEGIN", ..] | ["START", "TRANSACTION", ..] => true,
            ["ROLLBACK", "TO", ..] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO", ..] => self.within,
            ["COMMIT" | "ROLLBACK", "PREPARED", ..] => self.within,
            ["COMMIT" | "END" | "ROLLBACK" | "ABORT", rest @ ..] => {
                rest.ends_with(&["AND", "CHAIN"])
            }
            ["PREPARE", "TRANSACTION", ..] => false,
            _ => self.within,
        };
    }
}

fn copy(directory: &Path, number: usize) -> PathBuf {
    directory.join(file_name(number))
}

fn file_name(number: usize) -> String {
    format!("{number}.sql")
}

/// Adds a recording statement after every statement, and redirects includes to the copies.
fn annotated(
    part: &Part,
    script: &Script,
    copies: &Path,
    note: &mut dyn FnMut(usize, bool) -> String,
    progress: &mut Progress,
) -> String {
    let text = &part.text;
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for include in &part.includes {
        let path = copy(copies, include.part);
        let path = quote_argument(&path.to_string_lossy());
        edits.push((include.span.clone(), format!("\\i {path}")));
    }
    for item in &script.items {
        let Item::Statement(statement) = item else { continue };
        progress.pass(&statement.words);
        let end = statement.span.end;
        let at = match statement.end {
            End::Combined | End::Reset => continue,
            End::Semicolon => end,
            // the rest of the line would become an argument of the psql command
            End::Command => text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1),
            End::File => text.len(),
        };
        progress.statements += 1;
        let mut noted = note(progress.statements, progress.within);
        if statement.end == End::File {
            noted.insert_str(0, "\n;");
        } else if at == text.len() && statement.end == End::Command && !text.ends_with('\n') {
            noted.insert(0, '\n');
        }
        edits.push((at..at, noted));
    }
    // a recording statement comes before an include at the same position
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut copied = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for (range, replacement) in edits {
        let _ = write!(copied, "{}{replacement}", &text[from..range.start]);
        from = range.end;
    }
    copied + &text[from..]
}

/// Returns the first line of statement `number`. The first statement has the number 1, as in the
/// history.
pub fn statement(source: &Source, number: usize) -> Option<String> {
    let mut left = number;
    for part in &source.parts {
        for item in part.scan().ok()?.items {
            let Item::Statement(statement) = item else { continue };
            if matches!(statement.end, End::Combined | End::Reset) {
                continue;
            }
            left -= 1;
            if left == 0 {
                return part.text[statement.span].lines().next().map(str::to_owned);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotate(text: &str) -> String {
        let part = Part { path: "up.sql".into(), text: text.to_owned(), includes: Vec::new() };
        let script = part.scan().expect("whole");
        annotated(
            &part,
            &script,
            Path::new("/c"),
            &mut |n, within| if within { "<>".to_owned() } else { format!("<{n}>") },
            &mut Progress::default(),
        )
    }

    #[test]
    fn notes_follow_statements_and_keep_the_lines() {
        for (text, expected) in [
            ("A; B;\nC;", "A;<1> B;<2>\nC;<3>"),
            ("A -- x;\n;", "A -- x;\n;<1>"),
            ("SELECT 1 \\gset\nB;", "SELECT 1 \\gset\n<1>B;<2>"),
            ("SELECT 1 \\gexec", "SELECT 1 \\gexec\n<1>"),
            ("A\\; B;", "A\\; B;<1>"),
            (
                "begin; A; rollback to s; commit; B;",
                "begin;<> A;<> rollback to s;<> commit;<4> B;<5>",
            ),
            (
                "BEGIN\\; A\\; COMMIT; START TRANSACTION;",
                "BEGIN\\; A\\; COMMIT;<1> START TRANSACTION;<>",
            ),
            ("SELECT 1", "SELECT 1\n;<1>"),
            ("COPY t FROM STDIN;\n1\n\\.\nA;", "COPY t FROM STDIN;<1>\n1\n\\.\nA;<2>"),
        ] {
            assert_eq!(annotate(text), expected);
        }
    }
}
