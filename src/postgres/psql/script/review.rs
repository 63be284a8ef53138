//! What a script did to its own transactions, found in its text after psql ran it to the end.
//!
//! The text is followed as psql reads it: included files in their places, and no branch of an `\if`
//! that psql is known to skip. Only psql knows some values; what depends on them is no error here.

use std::path::{Path, PathBuf};

use super::branches::Branches;
use super::effect::Effect;
use super::variables::{Known, Variables};
use super::{Script, hints};
use crate::postgres::psql::lexer;
use crate::postgres::psql::lexer::{End, Item, Meta, Statement};

/// How many files are read: a script may include itself.
const MOST_FILES: usize = 10_000;

/// How deep includes are followed.
const DEEPEST: usize = 64;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// What the script told psql to pass over.
    pub(super) warnings: Vec<(Place, String)>,
    /// The statement whose data is lost, and why.
    pub(super) lost: Option<(Place, String)>,
    /// The statement that opened the transaction that is open at the end.
    pub(super) opened: Option<Place>,
    /// A `\restrict` without `\unrestrict`.
    pub(super) restricted: Option<Place>,
}

/// Reviews a script. A file that holds nothing to look for is passed over, unless `closely`.
pub(super) fn review(script: &Script, closely: bool) -> Review {
    let mut walk = Walk {
        closely,
        directory: script.directory.clone(),
        variables: Variables::of(&script.variables),
        files: 0,
        reconnects: false,
        open: None,
        review: Review::default(),
    };
    walk.file(&script.file, 0, Some(true));
    if walk.reconnects && !closely {
        // a file that was passed over may have opened the transaction
        return review(script, true);
    }
    Review { opened: walk.open.map(|open| open.place), ..walk.review }
}

/// A transaction that a statement opened.
struct Opening {
    place: Place,
    /// Whether it is open whatever only psql knows.
    certain: bool,
}

struct Walk {
    closely: bool,
    directory: PathBuf,
    variables: Variables,
    files: usize,
    reconnects: bool,
    open: Option<Opening>,
    review: Review,
}

/// The file that is read.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    depth: usize,
    /// Whether psql runs what is read now.
    taken: Known,
}

impl Reading<'_> {
    fn place(&self, line: usize) -> Place {
        Place { file: self.path.to_owned(), line }
    }

    fn is_certain(&self) -> bool {
        self.taken == Some(true)
    }
}

impl Walk {
    fn file(&mut self, path: &Path, depth: usize, taken: Known) {
        let path = &self.directory.join(path);
        self.files += 1;
        let too_far = self.files > MOST_FILES || depth > DEEPEST;
        if too_far || !(self.closely || hints::found_in(path)) {
            return;
        }
        let Ok(bytes) = crate::sys::process::read_regular(path) else { return };
        let text = &String::from_utf8_lossy(&bytes);
        let Ok(script) = lexer::scan(text) else { return };
        let mut branches = Branches::of_file(taken);
        for (number, item) in script.items.iter().enumerate() {
            let reading = Reading { path, text, depth, taken: branches.taken() };
            match item {
                Item::Meta(meta) if branches.turn(meta, &self.variables) => {}
                _ if reading.taken == Some(false) => {}
                Item::Statement(statement) => self.statement(&reading, statement),
                Item::Meta(meta) if matches!(meta.command.as_str(), "q" | "quit") => {
                    self.quit(&reading, meta, &script.items[number + 1..]);
                    if reading.is_certain() {
                        return;
                    }
                }
                Item::Meta(meta) => self.meta(&reading, meta),
            }
        }
    }

    fn statement(&mut self, reading: &Reading<'_>, statement: &Statement) {
        if statement.end == End::Reset {
            return;
        }
        let certain = reading.is_certain();
        let place = reading.place(statement.line);
        if certain && is_open_copy(reading.text, statement) {
            self.lose_copy(place.clone());
        }
        let autocommit = self.variables.switch("AUTOCOMMIT");
        let effect = Effect::of(&statement.words);
        if effect == Effect::Prepares {
            self.warn(place.clone(), "the prepared transaction stays until COMMIT PREPARED");
        }
        match effect {
            Effect::Opens => self.open(place, certain),
            Effect::Chains if certain => self.open = Some(Opening { place, certain }),
            Effect::Closes | Effect::Prepares if certain => self.open = None,
            Effect::Chains | Effect::Closes | Effect::Prepares => self.doubt(),
            Effect::Unknown => self.open(place, false),
            Effect::Runs if autocommit != Some(true) => {
                self.open(place, certain && autocommit == Some(false));
            }
            Effect::Runs | Effect::Nothing => {}
        }
    }

    /// Notes that a statement opens a transaction, if none is open.
    fn open(&mut self, place: Place, certain: bool) {
        if self.open.as_ref().is_none_or(|open| certain && !open.certain) {
            self.open = Some(Opening { place, certain });
        }
    }

    fn doubt(&mut self) {
        if let Some(open) = &mut self.open {
            open.certain = false;
        }
    }

    fn meta(&mut self, reading: &Reading<'_>, meta: &Meta) {
        let certain = reading.is_certain();
        let place = reading.place(meta.line);
        match meta.command.as_str() {
            "i" | "include" | "ir" | "include_relative" => self.include(reading, meta),
            "c" | "connect" => self.reconnect(&place, certain),
            "gexec" => self.open(place, false),
            "restrict" => self.review.restricted = Some(place),
            "unrestrict" => self.review.restricted = None,
            "copy" if certain && is_open(reading.text, meta.copy_data.as_ref()) => {
                self.lose_copy(place);
            }
            "cd" if certain => {
                let to = meta.arguments.first().and_then(|to| self.variables.value(to));
                self.directory.push(to.unwrap_or_default());
            }
            "set" | "unset" => {
                let mut now = self.variables.clone();
                now.apply(meta, true);
                let names = meta.arguments.first().is_some_and(|name| name.raw == "ON_ERROR_STOP");
                if names && now.switch("ON_ERROR_STOP") == Some(false) {
                    self.warn(place, "ON_ERROR_STOP is off from here on: psql passes over errors");
                }
                self.variables.apply(meta, certain);
            }
            _ => self.variables.apply(meta, certain),
        }
    }

    fn include(&mut self, reading: &Reading<'_>, meta: &Meta) {
        let Some(argument) = meta.arguments.first() else { return };
        let Some(value) = self.variables.value(argument) else {
            return self.open(reading.place(meta.line), false);
        };
        // psql takes semicolons without quotes off the end
        let semicolons = argument.raw.len() - argument.raw.trim_end_matches(';').len();
        let target = Path::new(&value[..value.len().saturating_sub(semicolons)]).to_owned();
        let relative = matches!(meta.command.as_str(), "ir" | "include_relative");
        let beside = reading.path.parent().filter(|_| relative);
        let target = beside.map_or(target.clone(), |directory| directory.join(target));
        self.file(&target, reading.depth + 1, reading.taken);
    }

    fn reconnect(&mut self, place: &Place, certain: bool) {
        self.reconnects = true;
        match &self.open {
            Some(open) if certain && open.certain => {
                let (file, line) = (place.file.display(), place.line);
                let why = format!(
                    "the transaction was open at {file}:{line}, where \\connect rolled it back"
                );
                self.review.lost.get_or_insert((open.place.clone(), why));
            }
            _ => {}
        }
        if certain {
            self.open = None;
        }
        self.doubt();
    }

    fn quit(&mut self, reading: &Reading<'_>, meta: &Meta, rest: &[Item]) {
        let is_end = |item: &Item| matches!(item, Item::Meta(meta) if meta.command == "endif");
        if rest.iter().all(is_end) {
            return;
        }
        let what = match reading.is_certain() {
            true => "\\q ends the file here: psql does not read the rest of it",
            false => "\\q ends the file here where its \\if holds",
        };
        self.warn(reading.place(meta.line), what);
    }

    fn warn(&mut self, place: Place, what: &str) {
        let warning = (place, what.to_owned());
        if !self.review.warnings.contains(&warning) {
            self.review.warnings.push(warning);
        }
    }

    fn lose_copy(&mut self, place: Place) {
        let why = "no line \\. ends the data of COPY: psql took the rest of the file for data";
        self.review.lost.get_or_insert((place, why.to_owned()));
    }
}

/// Whether a statement is a `COPY … FROM STDIN` that the end of the file cuts off.
fn is_open_copy(text: &str, statement: &Statement) -> bool {
    let words = &statement.words;
    let is_copy = words.first().is_some_and(|word| word == "COPY")
        && words.windows(2).any(|pair| pair[0] == "FROM" && pair[1].starts_with("STD"));
    let is_empty = statement.copy_data.is_none() && statement.end == End::Semicolon;
    is_copy && (is_empty || is_open(text, statement.copy_data.as_ref()))
}

/// Whether data is there without the line that ends it.
fn is_open(text: &str, data: Option<&std::ops::Range<usize>>) -> bool {
    let data = data.and_then(|data| text.get(data.clone()));
    data.is_some_and(|data| !(data == "\\." || data.ends_with("\n\\.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewed(files: &[(&str, &str)], closely: bool) -> Review {
        let root = tempfile::tempdir().expect("temporary directory");
        for (name, text) in files {
            std::fs::write(root.path().join(name), text).expect("written");
        }
        let directory = root.path().to_owned();
        let variables = vec![("MOCK".to_owned(), "1".to_owned())];
        review(&Script { file: files[0].0.into(), variables, directory, log: None }, closely)
    }

    fn at(place: &Place) -> String {
        let name = place.file.file_name().expect("name").to_string_lossy();
        format!("{name}:{}", place.line)
    }

    fn opened(text: &str) -> Option<String> {
        let more = ("b.sql", "SELECT 1;\n\nBEGIN;");
        reviewed(&[("a.sql", text), more], true).opened.as_ref().map(at)
    }

    #[test]
    fn the_opener_of_a_transaction_is_found() {
        for (text, expected) in [
            ("SELECT 1;\nBEGIN;\nSELECT 2;", "a.sql:2"),
            ("BEGIN;\nCOMMIT;\nSTART TRANSACTION;", "a.sql:3"),
            ("BEGIN;\nSAVEPOINT a;\nROLLBACK TO a;", "a.sql:1"),
            ("BEGIN;\nBEGIN;", "a.sql:1"),
            ("BEGIN;\nCOMMIT\nAND CHAIN;", "a.sql:2"),
            ("BEGIN; ROLLBACK AND NO CHAIN;\nBEGIN; ROLLBACK AND CHAIN", "a.sql:2"),
            ("SELECT 1;\n\\ir b.sql\nSELECT 2;", "b.sql:3"),
            ("\\set AUTOCOMMIT off\n\nSELECT 1;\nCOMMIT;\nSELECT 2;", "a.sql:5"),
            ("\\unset AUTOCOMMIT\nSELECT 1;", "a.sql:2"),
            ("SELECT 'BEGIN'\n\\gexec\n", "a.sql:2"),
            (":start\n;", "a.sql:1"),
            ("\\if :x\nBEGIN;\n\\endif", "a.sql:2"),
            ("\\if false\nBEGIN;\n\\else\nBEGIN;\n\\endif", "a.sql:4"),
            ("\\if :{?MOCK}\nBEGIN;\n\\elif true\nBEGIN;\n\\endif", "a.sql:2"),
            ("\\if :x\nBEGIN;\nCOMMIT;\n\\endif\nBEGIN;", "a.sql:5"),
        ] {
            assert_eq!(opened(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "BEGIN;\nEND;",
            "BEGIN;\nPREPARE TRANSACTION 'x';",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
            "DO $$ BEGIN NULL; END $$;",
            "SELECT 'BEGIN;'; -- BEGIN;",
            "BEGIN \\r\nSELECT 1;",
            "\\if false\nBEGIN;\n\\endif",
            "SELECT 1; \\q\nBEGIN;",
        ] {
            assert_eq!(opened(text), None, "{text}");
        }
    }

    fn warned(text: &str) -> Vec<String> {
        let more = ("b.sql", "SELECT 1;\n\\q\nSELECT 2;");
        let warnings = reviewed(&[("a.sql", text), more], false).warnings;
        warnings.iter().map(|(place, _)| at(place)).collect()
    }

    #[test]
    fn what_a_script_tells_psql_to_pass_over_is_a_warning() {
        for (text, expected) in [
            ("SELECT 1;\n\\q\nSELECT 2;", &["a.sql:2"][..]),
            ("\\quit\n\\echo x", &["a.sql:1"]),
            ("\\ir b.sql\n\\i b.sql\nSELECT 1;", &["b.sql:2"]),
            ("\\set ON_ERROR_STOP off\n\\set ON_ERROR_STOP on", &["a.sql:1"]),
            ("\\set ON_ERROR_STOP 0", &["a.sql:1"]),
            ("\\unset ON_ERROR_STOP", &["a.sql:1"]),
            ("\\if :unknown\n\\q\n\\endif\nSELECT 1;", &["a.sql:2"]),
            ("\\if :MOCK\n\\q\n\\endif\nSELECT 1;", &["a.sql:2"]),
        ] {
            assert_eq!(warned(text), expected, "{text}");
        }
        for text in [
            "SELECT 1;\n\\q\n",
            "\\if false\n\\q\n\\endif\nSELECT 1;",
            "\\if :{?OTHER}\n\\q\n\\endif\nSELECT 1;",
            "\\if false\n\\ir b.sql\n\\endif",
            "\\set ON_ERROR_STOP on",
            "COPY t FROM stdin;\na\\\\q\n\\.\nSELECT '\n\\\\q';",
        ] {
            assert!(warned(text).is_empty(), "{text}");
        }
    }

    fn lost(text: &str) -> Option<String> {
        let more = ("b.sql", "BEGIN;");
        let lost = reviewed(&[("a.sql", text), more], false).lost;
        lost.map(|(place, why)| format!("{}: {why}", at(&place)))
    }

    #[test]
    fn data_that_psql_loses_is_found() {
        for (text, expected) in [
            ("SELECT 1;\nCOPY t FROM stdin;\n1\nSELECT 2;", "a.sql:2: no line \\."),
            ("COPY t FROM stdin;", "a.sql:1: no line \\."),
            ("\\copy t from stdin\n1", "a.sql:1: no line \\."),
            ("\\ir b.sql\nSELECT 1;\n\\c\n", "b.sql:1: the transaction was open at "),
        ] {
            let lost = lost(text).unwrap_or_else(|| panic!("{text}"));
            assert!(lost.starts_with(expected), "{text}: {lost}");
        }
        for text in [
            "COPY t FROM stdin;\n\\.\n",
            "COPY t FROM stdin;\r\n1\r\n\\.",
            "COPY t TO stdout;",
            "BEGIN;\nCOMMIT;\n\\c\n",
            "\\if :unknown\nBEGIN;\n\\endif\n\\c\n",
        ] {
            assert_eq!(lost(text), None, "{text}");
        }
    }
}
