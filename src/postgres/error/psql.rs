//! Parses an error of psql and finds its place in the source.
//!
//! psql reports the line on which it had read the complete statement. The server reports a line and
//! a caret in the text that psql sent. That text differs from the source: psql drops leading
//! blanks, `--` comments before the first token, and empty lines outside of quotes, and it replaces
//! variables. So db-tool does not count lines backwards, but aligns the text with the source
//! (`align`).

use std::path::{Path, PathBuf};

use super::align::{Alignment, Window};
use super::kept::Kept;
use super::severity::Head;
use super::{Excerpt, SqlError};

/// The number of lines before the expected one in which db-tool looks for a failed statement. psql
/// does not count the empty lines that it drops, and for a last statement without a semicolon it
/// reports the end of the file.
const SLACK: usize = 1_000;
/// The number of lines before its data in which db-tool looks for a failed `COPY FROM STDIN`.
const COPY_SLACK: usize = 20_000;

/// The error that ended psql, with the place that psql reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsqlFailure {
    error: SqlError,
    /// The line on which psql had read the complete statement.
    last_line: Option<usize>,
    /// The statement that psql read.
    statement: Option<Kept>,
    /// The server's excerpt. It is of the statement, unless `error.query` holds another text.
    excerpt: Option<Excerpt>,
}

impl PsqlFailure {
    /// Parses psql's message without its prefix, and the statements that psql repeated.
    pub(super) fn parse(
        file: Option<&str>,
        last_line: Option<usize>,
        message: &str,
        mut statements: Vec<Kept>,
    ) -> Self {
        let (mut error, excerpt, internal) = parse_message(message);
        error.file = file.map(PathBuf::from);
        let generated = statements.len() > 1;
        let statement = statements.pop();
        if generated || internal {
            error.query.clone_from(&excerpt);
        }
        Self { error, last_line, statement, excerpt }
    }

    /// The error as psql reported it, without a place in the source.
    pub fn error(&self) -> &SqlError {
        &self.error
    }

    /// Finds the place of the error in its source.
    ///
    /// `read_lines(path, first..=last)` returns these lines of the file that psql named (`<stdin>`
    /// for `-f -`), without line ends, and fewer at the file's end. It returns `None` if the file
    /// cannot be read. It is called at most twice.
    pub fn locate<F>(self, mut read_lines: F) -> SqlError
    where
        F: FnMut(&Path, std::ops::RangeInclusive<usize>) -> Option<Vec<String>>,
    {
        let (Some(file), Some(last_line)) = (self.error.file.clone(), self.last_line) else {
            return self.error;
        };
        let range = self.search_range(last_line);
        let first = *range.start();
        let window = Window::new(first, read_lines(&file, range).unwrap_or_default());
        let found = self.find(&window, last_line);
        let mut error = self.error;
        error.line = Some(found.line);
        error.column = found.column;
        error.caret = found.exact;
        let shown = found.line.saturating_sub(1).max(1)..=found.line + 1;
        let lines = read_lines(&file, shown.clone()).unwrap_or_default();
        error.show(*shown.start(), lines);
        error
    }

    fn search_range(&self, last_line: usize) -> std::ops::RangeInclusive<usize> {
        let Some(statement) = &self.statement else { return last_line..=last_line };
        let slack = self.copy_line().map_or(SLACK, |line| COPY_SLACK + line.min(COPY_SLACK));
        let expected = last_line.saturating_sub(statement.newlines).max(1);
        let last = match self.line_beyond() {
            Some(line) => (expected + line - 1).min(last_line),
            None if statement.cut => {
                (expected + statement.text.matches('\n').count() + SLACK).min(last_line)
            }
            None => last_line,
        };
        let first = if self.line_beyond().is_some() { last } else { expected };
        first.saturating_sub(slack).max(1)..=last
    }

    fn find(&self, window: &Window, last_line: usize) -> Found {
        let Some(statement) = &self.statement else { return Found::line(window, last_line) };
        let expected = last_line.saturating_sub(statement.newlines).max(1);
        if let Some(line) = self.line_beyond() {
            return self.find_excerpt(window, expected + line - 1, expected);
        }
        let text = statement.text.replace("\r\n", "\n");
        match Alignment::search(window, text.trim_end_matches(['\n', '\r'])) {
            Some(alignment) => self.find_aligned(window, &text, &alignment, last_line),
            None => {
                let line = self.excerpt.as_ref().map_or(1, |excerpt| excerpt.line);
                self.find_excerpt(window, expected + line - 1, expected)
            }
        }
    }

    fn find_aligned(
        &self,
        window: &Window,
        text: &str,
        alignment: &Alignment,
        last_line: usize,
    ) -> Found {
        let first = alignment.source(0);
        let start = Found::at(window, first, false);
        if let Some(line) = self.copy_line().filter(|_| mentions_stdin(text)) {
            let line = alignment.last_line() + line;
            if line < last_line { self.find_copy_value(window, line) } else { start }
        } else if let Some(line) = self.block_line() {
            self.find_in_block(window, text, alignment, line).unwrap_or(start)
        } else if let Some(excerpt) = self.excerpt.as_ref().filter(|_| self.error.query.is_none()) {
            match excerpt.offset_in(text) {
                Some(offset) => Found::at(window, alignment.source(offset), true),
                None => self.find_excerpt(window, first.0 + excerpt.line - 1, first.0),
            }
        } else {
            start
        }
    }

    /// Without an alignment: finds the line nearest to `wanted` that contains the excerpt, else
    /// returns `start`.
    fn find_excerpt(&self, window: &Window, wanted: usize, start: usize) -> Found {
        let excerpt = self.excerpt.as_ref().filter(|_| self.error.query.is_none());
        excerpt
            .and_then(|excerpt| {
                window
                    .numbers()
                    .filter_map(|line| Some((line, excerpt.offset_in_line(window.line(line)?)?)))
                    .min_by_key(|(line, _)| line.abs_diff(wanted))
            })
            .map_or_else(|| Found::line(window, start), |place| Found::at(window, place, true))
    }

    /// The line of the excerpt in the statement, if it may be behind the kept part.
    fn line_beyond(&self) -> Option<usize> {
        let cut = self.statement.as_ref().is_some_and(|statement| statement.cut);
        let excerpt = self.excerpt.as_ref().filter(|_| cut && self.error.query.is_none())?;
        Some(excerpt.line)
    }

    /// The data line that `COPY` reports (`COPY t, line 2, column b: "x"`).
    fn copy_line(&self) -> Option<usize> {
        let context = self.error.context.as_deref()?;
        let frame = context.lines().find(|line| line.starts_with("COPY "))?;
        leading_number(frame.split_once(", line ")?.1)
    }

    fn find_copy_value(&self, window: &Window, line: usize) -> Found {
        let context = self.error.context.as_deref().unwrap_or_default();
        let value = context
            .lines()
            .find(|frame| frame.starts_with("COPY ") && frame.contains(", column "))
            .and_then(|frame| frame.split_once(": \"")?.1.strip_suffix('"'));
        let text = window.line(line).unwrap_or_default();
        match value.map(|value| text.match_indices(value).collect::<Vec<_>>()).as_deref() {
            Some([(offset, _)]) => Found::at(window, (line, *offset), true),
            _ => Found::line(window, line),
        }
    }

    /// The line of the `DO` block that the outermost frame of the context names.
    fn block_line(&self) -> Option<usize> {
        let frame = self.error.context.as_deref()?.lines().next_back()?;
        leading_number(frame.split_once("PL/pgSQL function inline_code_block line ")?.1)
    }

    /// PL/pgSQL counts lines from the line on which the quoted body begins.
    fn find_in_block(
        &self,
        window: &Window,
        text: &str,
        alignment: &Alignment,
        line: usize,
    ) -> Option<Found> {
        let opening = text.find('$').or_else(|| text.find('\''))?;
        let body_line = text[..opening].matches('\n').count();
        let place = alignment.source(line_offset(text, body_line + line - 1)?);
        let direct = !self.error.context.as_deref()?.contains('\n');
        // a query of the block itself is in the source, after PERFORM, := or IN
        self.error
            .query
            .as_ref()
            .filter(|_| direct)
            .and_then(|query| {
                let row = place.0 + query.line - 1;
                Some(Found::at(window, (row, query.caret_text_in(window.line(row)?)?), true))
            })
            .or_else(|| Some(Found::line(window, place.0)))
    }
}

/// A place in the source.
#[derive(Debug, Clone, Copy)]
struct Found {
    line: usize,
    column: Option<usize>,
    exact: bool,
}

impl Found {
    /// The first character of a line that is not blank.
    fn line(window: &Window, line: usize) -> Self {
        let column = window
            .line(line)
            .map(|text| text.chars().position(|c| !c.is_whitespace()).unwrap_or(0) + 1);
        Self { line, column, exact: false }
    }

    /// A byte of a line.
    fn at(window: &Window, (line, byte): (usize, usize), exact: bool) -> Self {
        let before = window.line(line).and_then(|text| text.get(..byte));
        let column = before.map(|before| before.chars().count() + 1);
        Self { line, column, exact: exact && column.is_some() }
    }
}

/// The byte at which line `index` (from 0) of a text begins.
pub(super) fn line_offset(text: &str, index: usize) -> Option<usize> {
    match index.checked_sub(1) {
        None => Some(0),
        Some(before) => text.match_indices('\n').nth(before).map(|(at, _)| at + 1),
    }
}

fn leading_number(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().ok()
}

fn mentions_stdin(statement: &str) -> bool {
    statement.to_ascii_lowercase().contains("stdin")
}

/// The fields of a message, in libpq's order (`pqBuildErrorMessage3`).
const FIELDS: [&str; 10] = [
    "DETAIL:  ",
    "HINT:  ",
    "QUERY:  ",
    "CONTEXT:  ",
    "SCHEMA NAME:  ",
    "TABLE NAME:  ",
    "COLUMN NAME:  ",
    "DATATYPE NAME:  ",
    "CONSTRAINT NAME:  ",
    "LOCATION:  ",
];

/// Splits a message into its fields. The last value tells whether the excerpt is of an internal
/// query.
///
/// The text of a field may have several lines with any content. The reader looks for a field only
/// after the fields before it, and takes the first line that fits.
fn parse_message(message: &str) -> (SqlError, Option<Excerpt>, bool) {
    let mut texts: [Option<String>; FIELDS.len()] = Default::default();
    let mut head = String::new();
    let mut excerpt = None;
    let mut current = None;
    let mut lines = message.split('\n').peekable();
    while let Some(line) = lines.next() {
        let from = current.map_or(0, |field| field + 1);
        let field = (from..FIELDS.len()).find(|&field| line.starts_with(FIELDS[field]));
        if let Some(field) = field {
            texts[field] = Some(line[FIELDS[field].len()..].to_owned());
            current = Some(field);
        } else if let Some(text) = current.and_then(|field| texts[field].as_mut()) {
            text.push('\n');
            text.push_str(line);
        } else if let Some(found) =
            lines.peek().and_then(|below| Excerpt::parse(line, below)).filter(|_| excerpt.is_none())
        {
            excerpt = Some(found);
            lines.next();
        } else {
            head.push_str(if head.is_empty() { "" } else { "\n" });
            head.push_str(line);
        }
    }
    let (severity, sqlstate, message) = split_head(&head);
    let [detail, hint, query, context, ..] = texts;
    let error =
        SqlError { severity, sqlstate, message, detail, hint, context, ..SqlError::default() };
    (error, excerpt, query.is_some())
}

/// Splits `ERROR:  42601: text`, or psql's own `error: text`.
fn split_head(head: &str) -> (String, Option<String>, String) {
    if let Some(message) = head.strip_prefix("error: ") {
        return ("ERROR".to_owned(), None, message.to_owned());
    }
    match Head::parse_certain(head) {
        Some(Head { severity, word, sqlstate, message }) => {
            let word = if word == "PANIC" { word } else { severity.word().unwrap_or(word) };
            (word.to_owned(), sqlstate.map(str::to_owned), message.to_owned())
        }
        None => {
            let (severity, message) = head.split_once(":  ").unwrap_or(("ERROR", head));
            (severity.to_owned(), None, message.to_owned())
        }
    }
}
