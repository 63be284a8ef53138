//! Errors of failed statements, with the position of the error in the SQL.
//!
//! There are two sources of such errors. For the project's SQL, psql's standard error is read
//! (`StderrReader` → `PsqlFailure` → `locate`). For the SQL of this crate, a session returns a
//! `DbError`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::sys::error::{Error, Kind};

mod align;
mod kept;
mod psql;
mod reader;
mod render;
mod severity;
#[cfg(test)]
mod tests;

pub use psql::PsqlFailure;
pub use reader::{IgnoredError, StderrReader};
pub(in crate::postgres) use severity::{Head, Severity};

/// A failed statement.
///
/// Field names are those of the protocol (PostgreSQL manual, "Error and Notice Message Fields").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlError {
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// The SQLSTATE: five characters. psql's own errors have none.
    pub sqlstate: Option<String>,
    /// The primary message. It may have several lines.
    pub message: String,
    /// The DETAIL field.
    pub detail: Option<String>,
    /// The HINT field, from the server or from the author of a function.
    pub hint: Option<String>,
    /// The CONTEXT field: the stack of functions, innermost first.
    pub context: Option<String>,
    /// An excerpt of a query that is not in the file: it is in a function, or generated.
    pub query: Option<Excerpt>,
    /// The path of the file, or the name of the text.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// Whether the column is the error's. If false, the place is the beginning of the statement.
    pub caret: bool,
    /// Up to three numbered source lines around `line`.
    pub source: Vec<(usize, String)>,
}

/// The kind of an error with a SQLSTATE of class `HC`, which db-tool's own SQL raises. `HC005`:
/// there is no key for secrets. `HC006`: the key of a secret is not there. Others: a function of
/// the bundle found an impossible state.
pub fn own_kind(sqlstate: &str) -> Option<Kind> {
    match sqlstate {
        "HC005" => Some(Kind::Missing),
        "HC006" => Some(Kind::Failed),
        _ => sqlstate.starts_with("HC").then_some(Kind::Unexpected),
    }
}

/// The severity in English, whatever the language of the session is.
pub(in crate::postgres) fn severity_of(error: &DbError) -> String {
    let severity = error.parsed_severity().map(|severity| severity.to_string());
    severity.unwrap_or_else(|| error.severity().to_owned())
}

impl SqlError {
    /// The error of a session that ran the text `sql`. `label` names the text in messages.
    pub fn from_db_error(error: &DbError, label: &str, sql: &str) -> Self {
        let mut this = Self {
            severity: severity_of(error),
            sqlstate: Some(error.code().code().to_owned()),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            context: error.where_().map(str::to_owned),
            file: Some(PathBuf::from(label)),
            ..Self::default()
        };
        match error.position() {
            Some(ErrorPosition::Original(position)) => this.point(sql, *position as usize),
            Some(ErrorPosition::Internal { position, query }) => {
                this.query = Some(Excerpt::at(query, *position as usize));
            }
            None => {}
        }
        this
    }

    /// The error of a statement that begins on `line` of a file.
    ///
    /// `read_lines` returns lines of the file, and fewer at its end.
    pub fn at_line(
        message: &str,
        file: &Path,
        line: usize,
        read_lines: impl FnOnce(RangeInclusive<usize>) -> Vec<String>,
    ) -> Self {
        let mut this = Self {
            severity: "ERROR".to_owned(),
            message: message.to_owned(),
            file: Some(file.to_owned()),
            line: Some(line),
            ..Self::default()
        };
        let first = line.saturating_sub(1).max(1);
        this.show(first, read_lines(first..=line + 1));
        this
    }

    /// Makes an error of the crate. Its message is one line that begins with `what`; its detail is
    /// the rendered error.
    pub fn into_error(self, what: &str) -> Error {
        let kind = self.sqlstate.as_deref().and_then(own_kind).unwrap_or(Kind::Sql);
        let blank = |c: char| c.is_whitespace() || c.is_control();
        let words: Vec<_> = self.message.split(blank).filter(|word| !word.is_empty()).collect();
        let message = words.join(" ");
        Error::new(kind, format!("{what}: {message}")).detail(self.render())
    }

    /// Sets the place to character `position` (from 1) of `sql`.
    fn point(&mut self, sql: &str, position: usize) {
        let (line, column) = line_and_column(sql, position);
        self.line = Some(line);
        self.column = Some(column);
        self.caret = true;
        let first = line.saturating_sub(1).max(1);
        let lines = sql.lines().skip(first - 1).take(line + 2 - first).map(str::to_owned);
        self.show(first, lines.collect());
    }

    fn show(&mut self, first: usize, lines: Vec<String>) {
        self.source = (first..).zip(lines).collect();
        for (number, line) in &mut self.source {
            clean_line(*number, line);
        }
    }
}

/// Removes a carriage return and, on the first line, a byte order mark.
fn clean_line(number: usize, line: &mut String) {
    if line.ends_with('\r') {
        line.pop();
    }
    if number == 1 && line.starts_with('\u{feff}') {
        line.remove(0);
    }
}

fn line_and_column(text: &str, position: usize) -> (usize, usize) {
    let before =
        text.char_indices().nth(position.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    let before = &text[..before];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// A line of a query with a caret below it, as libpq prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line of the query, from 1.
    pub line: usize,
    /// The text of the line, with blanks for tabs. libpq cuts a long line and prints `...` at the
    /// cuts.
    pub text: String,
    /// The index of the character above the caret, from 0.
    pub caret: usize,
}

impl Excerpt {
    /// The excerpt for character `position` (from 1) of `query`.
    fn at(query: &str, position: usize) -> Self {
        let (line, column) = line_and_column(query, position);
        let text = query.split('\n').nth(line - 1).unwrap_or_default();
        Self { line, text: text.replace('\t', " "), caret: column - 1 }
    }

    /// Parses `LINE 3: text` and the line with the caret below it.
    fn parse(line: &str, below: &str) -> Option<Self> {
        let (number, text) = line.strip_prefix("LINE ")?.split_once(": ")?;
        let blanks = below.strip_suffix('^')?;
        if !blanks.bytes().all(|b| b == b' ') {
            return None;
        }
        let mut screen = blanks.len().checked_sub("LINE : ".len() + number.len())?;
        let mut caret = 0;
        for c in text.chars() {
            let Some(left) = screen.checked_sub(render::width(c)) else { break };
            if screen == 0 {
                break;
            }
            screen = left;
            caret += 1;
        }
        let line = number.parse().ok().filter(|&line| line > 0)?;
        Some(Self { line, text: text.to_owned(), caret })
    }

    /// The byte of `text` under which the caret is. `None` if the excerpt does not fit `text`.
    fn offset_in(&self, text: &str) -> Option<usize> {
        let start = psql::line_offset(text, self.line.checked_sub(1)?)?;
        let line = text[start..].split('\n').next()?;
        self.offset_in_line(line).map(|offset| start + offset)
    }

    /// The byte of a line under which the caret is. `None` if the line does not contain the
    /// excerpt.
    fn offset_in_line(&self, line: &str) -> Option<usize> {
        let plain = line.replace('\t', " ");
        let bytes = |text: &str, chars: usize| {
            text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
        };
        if !self.text.trim().is_empty()
            && let Some(start) = plain.find(&self.text)
        {
            return Some(start + bytes(&self.text, self.caret));
        }
        let tail = self.text.strip_prefix("...").map(|text| (text, 3));
        let (text, cut) = tail.unwrap_or((&self.text, 0));
        let ends = [text.strip_suffix("..."), Some(text)];
        ends.into_iter()
            .flatten()
            .filter(|text| !text.trim().is_empty())
            .find_map(|text| Some(plain.find(text)? + bytes(text, self.caret.checked_sub(cut)?)))
    }

    /// The byte of a source line at which the text behind the caret begins.
    ///
    /// The line is not a line of the query, so the longest common piece counts: the rest of the
    /// query, or the word behind the caret if the line has it only once.
    fn caret_text_in(&self, line: &str) -> Option<usize> {
        if let Some(offset) = self.offset_in_line(line) {
            return Some(offset);
        }
        let plain = line.replace('\t', " ");
        let rest: String = self.text.chars().skip(self.caret).collect();
        let word = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        let once = |text: &str| {
            let mut found = plain.match_indices(text);
            found.next().filter(|_| !text.is_empty() && found.next().is_none())
        };
        once(rest.trim_end()).or_else(|| once(word)).map(|(at, _)| at)
    }

    /// The line, and below it the caret.
    fn render(&self) -> String {
        let (text, caret) = render::cut(&self.text, self.caret + 1);
        format!("{text}\n{}^", " ".repeat(caret))
    }
}
