//! psql's stderr, line by line: what is passed on at once, and what is the error in the end.
//!
//! psql writes messages, its own errors and whatever the script prints to one stream, without any
//! framing. A message starts at a line with psql's prefix (`psql:FILE:LINE: `) and lasts until the
//! next such line. Only the last error can be the one that ended the script, and only the exit
//! status says whether the script was ended at all; so an error is held back until either another
//! message follows (the script went on: the held text is passed on) or psql has exited.
//!
//! What is held is bounded: a script may fail in a statement of 100 MB, which psql repeats in full.

use super::kept::{Kept, floor_char_boundary};
use super::psql::PsqlFailure;

/// How many errors are kept that psql passed over.
const MOST_PASSED_OVER: usize = 10_000;

/// How much is kept of their statements, in bytes.
const STATEMENT: usize = 200;

/// `in_failed_sql_transaction`.
const IN_FAILED_TRANSACTION: &str = "25P02";

/// An error of the server after which psql went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The file, as psql names it.
    pub file: String,
    /// The line on which psql had read the statement to its end.
    pub line: usize,
    /// How the statement begins; empty when psql does not repeat it.
    pub statement: String,
    /// Whether the server refused the statement because the transaction had failed before.
    pub aborted: bool,
}

/// Splits psql's stderr into text to pass on and the error that ended the script.
///
/// Expects `VERBOSITY=verbose`, `SHOW_CONTEXT=always`, `ECHO=errors`, `LC_ALL=C`, `PG_COLOR=never`.
#[derive(Debug, Default)]
pub struct StderrReader {
    pending: Option<Block>,
    /// The lines that come now belong to `pending`.
    holding: bool,
    /// A prefix was seen: psql reads files, and a bare `ERROR:  ` is part of some text.
    prefixed: bool,
    passed_over: Vec<PassedOver>,
}

impl StderrReader {
    /// A reader of an output that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one line without its line end; returns the lines that can be passed on now.
    pub fn push_line(&mut self, line: &str) -> Vec<String> {
        let start = Start::of(line, !self.prefixed);
        self.prefixed |= start.as_ref().is_some_and(|start| start.prefixed);
        match start.map(|start| (start.what, start)) {
            Some((What::Statement, start)) if self.holding => self.open_statement(line, &start),
            Some((What::Error, start)) => {
                // `error: connection to server was lost` only repeats what FATAL has said.
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

    /// Ends the output. `failed`: psql's exit status was not 0, so that the held error is the cause.
    ///
    /// Returns what is left to pass on, and the failure; none if psql was silent about it.
    pub fn finish(mut self, failed: bool) -> (Vec<String>, Option<PsqlFailure>) {
        if failed {
            (Vec::new(), self.pending.as_ref().map(Block::failure))
        } else {
            (self.release(), None)
        }
    }

    /// The errors of the server so far, if psql went on after each.
    pub fn passed_over(&self) -> Vec<PassedOver> {
        let pending = self.pending.as_ref().and_then(Block::passed_over);
        self.passed_over.iter().cloned().chain(pending).collect()
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
        if self.passed_over.len() < MOST_PASSED_OVER {
            self.passed_over.extend(block.passed_over());
        }
        block.into_lines()
    }
}

/// An error as psql wrote it.
#[derive(Debug)]
struct Block {
    file: Option<String>,
    line: Option<usize>,
    fatal: bool,
    prefix: String,
    message: Kept,
    /// What stood before the statement on its first line, and the statement. Two of them after
    /// `\gexec`: the generated statement, then the one that generated it.
    statements: Vec<(String, Kept)>,
}

impl Block {
    fn new(line: &str, start: &Start<'_>) -> Self {
        Self {
            file: start.file.map(str::to_owned),
            line: start.line,
            fatal: start.rest.starts_with("FATAL") || start.rest.starts_with("PANIC"),
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

    /// The error with its place; none for psql's own errors, which the server knows nothing of.
    fn passed_over(&self) -> Option<PassedOver> {
        let message = self.message.text.strip_prefix("ERROR:  ")?;
        let statement = self.statements.last().map_or("", |(_, statement)| &statement.text);
        let end = floor_char_boundary(statement, STATEMENT);
        Some(PassedOver {
            file: self.file.clone()?,
            line: self.line?,
            statement: statement[..end].to_owned(),
            aborted: message.starts_with(IN_FAILED_TRANSACTION),
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
enum What {
    Error,
    Statement,
    Other,
}

/// The first line of a message.
#[derive(Debug)]
struct Start<'a> {
    what: What,
    prefixed: bool,
    file: Option<&'a str>,
    line: Option<usize>,
    /// What follows the prefix; for a statement also without `STATEMENT:  `.
    rest: &'a str,
}

impl<'a> Start<'a> {
    /// Reads a line; `bare`: psql reads its standard input or `-c`, and writes no prefix.
    fn of(line: &'a str, bare: bool) -> Option<Self> {
        if let Some(rest) = line.strip_prefix("psql: ") {
            let what = classify(rest)?;
            return Some(Self { what, prefixed: true, file: None, line: None, rest });
        }
        if let Some(located) = line.strip_prefix("psql:") {
            return Self::located(located);
        }
        let what = classify(line).filter(|_| bare && !line.starts_with("error: "))?;
        Some(Self { what, prefixed: false, file: None, line: None, rest: trim(what, line) })
    }

    /// `FILE:LINE: rest`, where FILE may hold colons too: the first split that makes sense.
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
        let what = classify(rest).unwrap_or(What::Other);
        let (file, line) = (Some(file), Some(line));
        Some(Self { what, prefixed: true, file, line, rest: trim(what, rest) })
    }

    fn is_client_error(&self) -> bool {
        self.rest.starts_with("error: ")
    }
}

fn trim(what: What, rest: &str) -> &str {
    match what {
        What::Statement => rest.strip_prefix("STATEMENT:  ").unwrap_or(rest),
        What::Error | What::Other => rest,
    }
}

/// What a line is by its first word. Severities: PostgreSQL manual, table "Message Severity Levels".
fn classify(rest: &str) -> Option<What> {
    if rest.starts_with("error: ") {
        return Some(What::Error);
    }
    match rest.split_once(":  ")?.0 {
        "ERROR" | "FATAL" | "PANIC" => Some(What::Error),
        "STATEMENT" => Some(What::Statement),
        "WARNING" | "NOTICE" | "INFO" | "LOG" | "DEBUG" => Some(What::Other),
        _ => None,
    }
}
