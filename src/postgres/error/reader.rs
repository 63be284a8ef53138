//! Reads psql's standard error line by line: passes messages on at once, and holds back the error
//! that may have ended the script.
//!
//! psql writes messages, its own errors and the script's output to one stream, without any framing.
//! A message begins on a line with psql's prefix (`psql:FILE:LINE: `) and ends before the next such
//! line. Only the last error can have ended the script, and only the exit status tells whether the
//! script was ended. So an error is held back until another message follows (then the script went
//! on, and the held text is passed on) or psql has exited.
//!
//! The held text is limited: a statement may have 100 MB, and psql repeats a failed statement in
//! full.

use super::kept::{Kept, floor_char_boundary};
use super::psql::PsqlFailure;
use super::severity::{Head, Severity};

/// The number of ignored errors that the reader keeps.
const MOST_IGNORED: usize = 10_000;

/// The number of bytes that the reader keeps of the statement of an ignored error.
const STATEMENT: usize = 200;

/// `in_failed_sql_transaction`.
const IN_FAILED_TRANSACTION: &str = "25P02";

/// An error of the server that psql ignored: psql went on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredError {
    /// The file, as psql names it.
    pub file: String,
    /// The line on which psql had read the complete statement.
    pub line: usize,
    /// The beginning of the statement. It is empty if psql does not repeat the statement.
    pub statement: String,
    /// Whether the server refused the statement because the transaction had failed before.
    pub aborted: bool,
}

/// Splits psql's standard error into text to pass on and the error that ended the script.
///
/// Expects `VERBOSITY=verbose`, `SHOW_CONTEXT=always`, `ECHO=errors`, `LC_MESSAGES=C`,
/// `PG_COLOR=never`. The messages of the server may be in another language.
#[derive(Debug, Default)]
pub struct StderrReader {
    pending: Option<Block>,
    /// Whether further lines belong to `pending`.
    holding: bool,
    /// Whether a prefix was seen. Then psql reads files, and a bare `ERROR:  ` is part of other
    /// text.
    prefixed: bool,
    ignored_errors: Vec<IgnoredError>,
}

impl StderrReader {
    /// A reader at the beginning of an output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one line without its line end. Returns the lines that can be passed on now.
    pub fn push_line(&mut self, line: &str) -> Vec<String> {
        let start = Start::of(line, !self.prefixed);
        self.prefixed |= start.as_ref().is_some_and(|start| start.prefixed);
        match start.map(|start| (start.kind, start)) {
            Some((MessageKind::Statement, start)) if self.holding => {
                self.open_statement(line, &start)
            }
            Some((MessageKind::Error, start)) => {
                // `error: connection to server was lost` only repeats the FATAL message before it
                if start.is_client_error() && self.is_fatal() {
                    return self.pass(line);
                }
                let released = self.release();
                self.pending = Some(Block::new(line, &start));
                self.holding = true;
                released
            }
            Some(_) if self.is_fatal() => self.pass(line),
            Some(_) => {
                let mut released = self.release();
                released.extend(self.pass(line));
                released
            }
            None => self.continue_block(line),
        }
    }

    /// Ends the output. `failed` tells that psql's exit status was not 0, so the held error is the
    /// cause.
    ///
    /// Returns the remaining lines to pass on, and the failure. There is none if psql reported no
    /// error.
    pub fn finish(mut self, failed: bool) -> (Vec<String>, Option<PsqlFailure>) {
        if failed {
            (Vec::new(), self.pending.as_ref().map(Block::failure))
        } else {
            (self.release(), None)
        }
    }

    /// The errors of the server so far, if psql went on after each.
    pub fn ignored_errors(&self) -> Vec<IgnoredError> {
        let pending = self.pending.as_ref().and_then(Block::ignored_errors);
        self.ignored_errors.iter().cloned().chain(pending).collect()
    }

    fn open_statement(&mut self, line: &str, start: &Start<'_>) -> Vec<String> {
        if let Some(block) = &mut self.pending {
            let prefix = &line[..line.len() - start.rest.len()];
            block.statements.push((prefix.to_owned(), Kept::new(start.rest)));
        }
        Vec::new()
    }

    fn continue_block(&mut self, line: &str) -> Vec<String> {
        match &mut self.pending {
            Some(block) if self.holding => {
                block.push(line);
                Vec::new()
            }
            _ => vec![line.to_owned()],
        }
    }

    fn pass(&mut self, line: &str) -> Vec<String> {
        self.holding = false;
        vec![line.to_owned()]
    }

    fn is_fatal(&self) -> bool {
        self.pending.as_ref().is_some_and(|block| block.fatal)
    }

    fn release(&mut self) -> Vec<String> {
        self.holding = false;
        let Some(block) = self.pending.take() else { return Vec::new() };
        if self.ignored_errors.len() < MOST_IGNORED {
            self.ignored_errors.extend(block.ignored_errors());
        }
        block.into_lines()
    }
}

/// The lines of an error as psql wrote them.
#[derive(Debug)]
struct Block {
    file: Option<String>,
    line: Option<usize>,
    fatal: bool,
    prefix: String,
    message: Kept,
    /// The statements, each with the text before it on its first line. There are two after
    /// `\gexec`: the generated statement, and the one that generated it.
    statements: Vec<(String, Kept)>,
}

impl Block {
    fn new(line: &str, start: &Start<'_>) -> Self {
        Self {
            file: start.file.map(str::to_owned),
            line: start.line,
            fatal: is_fatal(start.rest),
            prefix: line[..line.len() - start.rest.len()].to_owned(),
            message: Kept::new(start.rest),
            statements: Vec::new(),
        }
    }

    fn push(&mut self, line: &str) {
        self.statements.last_mut().map_or(&mut self.message, |(_, text)| text).push(line);
    }

    fn failure(&self) -> PsqlFailure {
        let statements = self.statements.iter().map(|(_, text)| text.clone()).collect();
        PsqlFailure::parse(self.file.as_deref(), self.line, &self.message.text, statements)
    }

    /// The error with its place. None for psql's own errors, which did not come from the server.
    fn ignored_errors(&self) -> Option<IgnoredError> {
        let first = self.message.text.split('\n').next().unwrap_or_default();
        let head = Head::parse_certain(first).filter(|head| head.severity == Severity::Error)?;
        let statement = self.statements.last().map_or("", |(_, statement)| &statement.text);
        let end = floor_char_boundary(statement, STATEMENT);
        Some(IgnoredError {
            file: self.file.clone()?,
            line: self.line?,
            statement: statement[..end].to_owned(),
            // a function can raise this code, too, and then has a context
            aborted: head.sqlstate == Some(IN_FAILED_TRANSACTION)
                && !self.message.text.contains("\nCONTEXT:  "),
        })
    }

    fn into_lines(self) -> Vec<String> {
        std::iter::once((self.prefix, self.message))
            .chain(self.statements)
            .flat_map(|(prefix, text)| text.into_lines(&prefix))
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MessageKind {
    Error,
    Statement,
    Other,
}

/// The first line of a message.
#[derive(Debug)]
struct Start<'a> {
    kind: MessageKind,
    prefixed: bool,
    file: Option<&'a str>,
    line: Option<usize>,
    /// The text after the prefix, and for a statement after `STATEMENT:  `.
    rest: &'a str,
}

impl<'a> Start<'a> {
    /// Parses a line. `bare` tells that psql reads its standard input or `-c`, and then writes no
    /// prefix.
    fn of(line: &'a str, bare: bool) -> Option<Self> {
        if let Some(rest) = line.strip_prefix("psql: ") {
            let kind = classify(rest)?;
            return Some(Self { kind, prefixed: true, file: None, line: None, rest });
        }
        if let Some(located) = line.strip_prefix("psql:") {
            return Self::located(located);
        }
        let kind = classify(line).filter(|_| bare && !line.starts_with("error: "))?;
        Some(Self { kind, prefixed: false, file: None, line: None, rest: trim(kind, line) })
    }

    /// Splits `FILE:LINE: rest`. FILE may contain colons, so the first split with a number counts.
    fn located(text: &'a str) -> Option<Self> {
        let mut splits = text.match_indices(':').filter_map(|(colon, _)| {
            let after = &text[colon + 1..];
            let (number, rest) = after.split_once(": ")?;
            let line =
                number.parse().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit()))?;
            Some((&text[..colon], line, rest))
        });
        let first = splits.next()?;
        let (file, line, rest) = std::iter::once(first)
            .chain(splits)
            .find(|(_, _, rest)| classify(rest).is_some())
            .unwrap_or(first);
        let certain = || Head::parse_certain(rest).map(|head| kind_of(head.severity));
        let kind = classify(rest).or_else(certain).unwrap_or(MessageKind::Other);
        let (file, line) = (Some(file), Some(line));
        Some(Self { kind, prefixed: true, file, line, rest: trim(kind, rest) })
    }

    fn is_client_error(&self) -> bool {
        self.rest.starts_with("error: ")
    }
}

fn trim(kind: MessageKind, rest: &str) -> &str {
    match kind {
        MessageKind::Statement => rest.strip_prefix("STATEMENT:  ").unwrap_or(rest),
        MessageKind::Error | MessageKind::Other => rest,
    }
}

/// The kind of a line by its first word. Severities: PostgreSQL manual, table "Message Severity
/// Levels".
fn classify(rest: &str) -> Option<MessageKind> {
    if rest.starts_with("error: ") {
        return Some(MessageKind::Error);
    }
    // psql writes this word itself, in English
    if rest.starts_with("STATEMENT:  ") {
        return Some(MessageKind::Statement);
    }
    Head::parse(rest).map(|head| kind_of(head.severity))
}

fn kind_of(severity: Severity) -> MessageKind {
    match severity {
        Severity::Error | Severity::Fatal => MessageKind::Error,
        Severity::Message => MessageKind::Other,
    }
}

fn is_fatal(rest: &str) -> bool {
    Head::parse(rest).is_some_and(|head| head.severity == Severity::Fatal)
}
