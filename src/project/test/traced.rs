//! A copy of a script that says, on standard output, which statement begins.
//!
//! pgTAP knows the number of a test and not its line. So psql reads a copy in which each statement has
//! an `\echo` before it, on the same line: lines keep their numbers, and messages need only the name
//! of the file. The copy is also a snapshot: a user may save the file while it runs.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use crate::migration::source::{Part, Source};
use crate::postgres::psql::lexer::{End, Item};
use crate::sys::error::Result;
use crate::sys::scratch::Scratch;

/// The copy of a script and its includes.
pub struct Traced {
    /// The directory of the copy.
    scratch: Scratch,
    /// The beginning of each mark.
    word: String,
    /// The files, in the order of their numbers.
    files: Vec<PathBuf>,
    /// The file and the line of each statement.
    places: Vec<(usize, usize)>,
    /// The text before a mark that does not begin its line.
    begun: Vec<u8>,
}

/// The names of the files behind the copies.
pub struct Names {
    prefix: String,
    files: Vec<PathBuf>,
}

/// A line of psql's output.
pub enum Line<'a> {
    /// The number of the statement that begins.
    Statement(usize),
    /// A line of the script.
    Output(Cow<'a, [u8]>),
    /// A part of a line, which the next one continues.
    Part,
}

impl Traced {
    /// Copies a script. `None` if that would change what it does: its includes are known only when
    /// psql runs it, or psql refuses commands in it.
    pub fn copy(file: &Path, root: &Path, temporary: &Path) -> Result<Option<Self>> {
        let Ok(source) = Source::load(file, root) else { return Ok(None) };
        // the word is random, so that no script can print it
        let word = format!("db-tool-{:016x}", RandomState::new().hash_one(std::process::id()));
        let scratch = Scratch::new(temporary)?;
        let Some(directory) = scratch.path().to_str().map(str::to_owned) else { return Ok(None) };
        let mut places = Vec::new();
        let mut texts = Vec::new();
        for (number, part) in source.parts.iter().enumerate() {
            let Some(text) = marked(part, &word, &directory, |line| {
                places.push((number, line));
                places.len() - 1
            }) else {
                return Ok(None);
            };
            texts.push(text);
        }
        for (number, text) in texts.iter().enumerate() {
            scratch.write(&name(number), text)?;
        }
        let files = source.parts.into_iter().map(|part| part.path).collect();
        Ok(Some(Self { scratch, word, files, places, begun: Vec::new() }))
    }

    /// The file that psql reads.
    pub fn entry(&self) -> PathBuf {
        self.scratch.path().join(name(0))
    }

    /// The file and the line of a statement.
    pub fn place(&self, statement: usize) -> Option<(&Path, usize)> {
        let (file, line) = self.places.get(statement)?;
        Some((self.files.get(*file)?, *line))
    }

    /// The names of the files behind the copies.
    pub fn names(&self) -> Names {
        let prefix = format!("psql:{}/", self.scratch.path().display());
        Names { prefix, files: self.files.clone() }
    }

    /// Reads a line of psql's output.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        let word = self.word.as_bytes();
        let at = line.len().checked_sub(word.len() + 2).and_then(|last| {
            let from = last.saturating_sub(20);
            (from..=last).find(|at| line[*at..].starts_with(word))
        });
        let mark = at.and_then(|at| {
            let number = std::str::from_utf8(&line[at + word.len() + 1..]).ok()?.parse().ok()?;
            Some((at, number))
        });
        match mark {
            // the script has begun a line with `\echo -n`
            Some((1.., _)) => {
                self.begun.extend_from_slice(&line[..at.unwrap_or_default()]);
                Line::Part
            }
            Some((0, number)) => Line::Statement(number),
            None if self.begun.is_empty() => Line::Output(Cow::Borrowed(line)),
            None => {
                let mut whole = std::mem::take(&mut self.begun);
                whole.extend_from_slice(line);
                Line::Output(Cow::Owned(whole))
            }
        }
    }
}

impl Names {
    /// Gives a message of psql the name of the script's file.
    pub fn rename<'a>(&self, message: &'a str) -> Cow<'a, str> {
        let file = message.strip_prefix(&self.prefix).and_then(|rest| {
            let (number, rest) = rest.split_once(".sql")?;
            Some((self.files.get(number.parse::<usize>().ok()?)?, rest))
        });
        match file {
            Some((file, rest)) => format!("psql:{}{rest}", file.display()).into(),
            None => message.into(),
        }
    }
}

fn name(number: usize) -> String {
    format!("{number}.sql")
}

/// The text of a part with its marks, and with its includes replaced by those of the copies.
/// `number` numbers a statement that begins on a line. `None` if marks would change what it does.
fn marked(
    part: &Part,
    word: &str,
    directory: &str,
    mut number: impl FnMut(usize) -> usize,
) -> Option<String> {
    let script = part.scan().ok()?;
    let mut includes = part.includes.iter();
    let mut text = String::with_capacity(part.text.len() * 2);
    let (mut from, mut is_combined) = (0, false);
    for item in &script.items {
        match item {
            Item::Statement(statement) => {
                let is_within = std::mem::replace(&mut is_combined, statement.end == End::Combined);
                // psql would run the command before the statements that it sends together
                if is_within || statement.span.start < from {
                    continue;
                }
                text += part.text.get(from..statement.span.start)?;
                text += &format!("\\echo {word} {} \\\\", number(statement.line));
                from = statement.span.start;
            }
            Item::Meta(meta) => match meta.command.as_str() {
                "restrict" => return None,
                "i" | "include" | "ir" | "include_relative" => {
                    let include = includes.next()?;
                    text += part.text.get(from..meta.span.start)?;
                    let path = format!("{directory}/{}", name(include.part));
                    text += &format!("\\i '{}'", path.replace('\\', "\\\\").replace('\'', "''"));
                    from = meta.span.end;
                }
                _ => {}
            },
        }
    }
    text += part.text.get(from..)?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Part {
        Part { path: "a.sql".into(), text: text.to_owned(), includes: Vec::new() }
    }

    #[test]
    fn each_statement_has_a_mark_on_its_own_line() {
        let text = "-- a\nSELECT 1; SELECT\n 2;\n\\set x 1\nSELECT 3\\; SELECT 4;\n";
        let mut lines = Vec::new();
        let marked = marked(&part(text), "W", "/d", |line| {
            lines.push(line);
            lines.len()
        });
        let expected = "-- a\n\\echo W 1 \\\\SELECT 1; \\echo W 2 \\\\SELECT\n 2;\n\\set x 1\n\
                        \\echo W 3 \\\\SELECT 3\\; SELECT 4;\n";
        assert_eq!(marked.as_deref(), Some(expected));
        assert_eq!(lines, [2, 2, 5]);
    }

    #[test]
    fn a_copy_has_the_names_of_its_files() {
        let place = tempfile::tempdir().expect("temporary directory");
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text);
        write("a.sql", "\\ir b.sql\nSELECT 1;").expect("written");
        write("b.sql", "\n\nSELECT 2;").expect("written");
        let file = place.path().join("a.sql");
        let mut copy =
            Traced::copy(&file, place.path(), place.path()).expect("copied").expect("known");
        let entry = copy.entry().display().to_string();
        let message = copy.names().rename(&format!("psql:{entry}:2: ERROR:  x")).into_owned();
        assert_eq!(message, format!("psql:{}:2: ERROR:  x", file.display()));
        assert_eq!(copy.place(1), Some((place.path().join("b.sql").as_path(), 3)));
        let mark = format!("{} 1", copy.word);
        assert!(matches!(copy.read(mark.as_bytes()), Line::Statement(1)));
        assert!(matches!(copy.read(format!("ok {mark}").as_bytes()), Line::Part));
        assert!(matches!(copy.read(b"1 - a"), Line::Output(line) if &*line == b"ok 1 - a"));
        for text in ["\\restrict x\nSELECT 1;\n\\unrestrict x", "\\ir :file"] {
            write("a.sql", text).expect("written");
            assert!(Traced::copy(&file, place.path(), place.path()).expect("read").is_none());
        }
    }
}
