//! Finds out, from the text of a script that psql ran to its end, how the script changed its
//! transactions.
//!
//! This module follows the text as psql reads it, with included files in their places. It leaves
//! out the branches of an `\if` that psql certainly skips. psql prints the values of some variables
//! at the end of the session; they count if they have not changed before. A conclusion that depends
//! on an unknown value is never an error.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::branches::Branches;
use super::effect::Effect;
use super::failures::Failures;
use super::place::Place;
use super::transaction::{Ran, Transaction};
use super::variables::{Answers, Known, Variables};
use super::{Script, hints};
use crate::postgres::error::IgnoredError;
use crate::postgres::psql::lexer;
use crate::postgres::psql::lexer::{End, Item, Meta, Statement};

/// The most files that are read: a script may include itself.
const MOST_FILES: usize = 10_000;

/// The depth of nested includes down to which a walk reads files.
const DEEPEST: usize = 64;

/// The most variables whose values a review asks psql for.
const MOST_QUESTIONS: usize = 100;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The result of a review.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// Commands that made psql ignore errors or skip a part of the script.
    pub(super) warnings: Vec<(Place, String)>,
    /// A statement with lost data, and the reason.
    pub(super) lost: Option<(Place, String)>,
    /// The statement that opened the transaction that is open at the end.
    pub(super) opened: Option<Place>,
    /// A `\restrict` without `\unrestrict`.
    pub(super) restricted: Option<Place>,
}

/// The messages of psql while it ran a script.
#[derive(Debug, Default)]
pub(super) struct PsqlReport {
    /// The values of variables at the end.
    pub(super) answers: Answers,
    /// The errors after which psql went on.
    pub(super) errors: Vec<IgnoredError>,
}

/// The variables that decide which text psql reads: `\if` and includes use their values. They are
/// determined before the script runs, because psql gets the commands that print them when it
/// starts.
pub(super) fn questions(script: &Script) -> Vec<String> {
    let mut walk = Walk::of(script, Reads::Branches, PsqlReport::default());
    walk.file(&script.file, 0, Some(true));
    walk.questions.sort_unstable();
    walk.questions.dedup();
    walk.questions.truncate(MOST_QUESTIONS);
    walk.questions
}

/// Reviews a script. Skips files without anything to look for, unless `closely` is true.
pub(super) fn review(script: &Script, closely: bool, mut report: PsqlReport) -> Review {
    // without errors, the effects of a file matter only if a transaction is left open
    let closely = closely || !report.errors.is_empty();
    let reads = if closely { Reads::Everything } else { Reads::Commands };
    let (answers, errors) = (report.answers.clone(), report.errors.clone());
    let mut walk = Walk::of(script, reads, PsqlReport { answers, errors });
    walk.file(&script.file, 0, Some(true));
    let unsettled = walk.variables.unsettled();
    if !unsettled.is_empty() {
        report.answers.retain(|name, _| !unsettled.contains(name));
        return review(script, closely, report);
    }
    if walk.reconnects && !closely {
        // a skipped file may have opened the transaction
        return review(script, true, report);
    }
    let mut review = walk.review;
    review.lost = review.lost.or(walk.transaction.lost.take());
    Review { opened: walk.transaction.opened(), ..review }
}

/// The files that a walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Files with `\if` or includes.
    Branches,
    /// Files with commands that matter here.
    Commands,
    Everything,
}

struct Walk {
    reads: Reads,
    directory: PathBuf,
    variables: Variables,
    failures: Failures,
    files: usize,
    reconnects: bool,
    transaction: Transaction,
    /// Statements that psql sends together with the next one.
    combined: Vec<(Place, Effect)>,
    questions: Vec<String>,
    review: Review,
}

/// The file that is being read.
struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    depth: usize,
    /// Whether psql runs the current statement or command.
    taken: Known,
    /// The previous statement.
    statement: &'a str,
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
    fn of(script: &Script, reads: Reads, report: PsqlReport) -> Self {
        Self {
            reads,
            directory: script.directory.clone(),
            variables: Variables::of(&script.variables, report.answers),
            failures: Failures::of(&report.errors),
            files: 0,
            reconnects: false,
            transaction: Transaction::default(),
            combined: Vec::new(),
            questions: Vec::new(),
            review: Review::default(),
        }
    }

    fn is_worth_reading(&self, path: &Path) -> bool {
        match self.reads {
            Reads::Everything => true,
            Reads::Commands => hints::found_in(path),
            Reads::Branches => hints::may_branch(path),
        }
    }

    fn file(&mut self, path: &Path, depth: usize, taken: Known) {
        let path = &self.directory.join(path);
        self.files += 1;
        if self.files > MOST_FILES || depth > DEEPEST {
            return self.variables.doubt_all();
        }
        if !self.is_worth_reading(path) {
            return;
        }
        let Ok(bytes) = crate::sys::process::read_regular(path) else {
            return self.variables.doubt_all();
        };
        let text = &String::from_utf8_lossy(&bytes);
        let Ok(script) = lexer::scan(text) else { return self.variables.doubt_all() };
        let mut branches = Branches::of_file(taken);
        let mut statement = "";
        for (number, item) in script.items.iter().enumerate() {
            let reading = Reading { path, text, depth, taken: branches.taken(), statement };
            match item {
                Item::Meta(meta) if branches.turn(meta, &self.variables) => {
                    self.questions.extend(self.variables.unknown(&meta.arguments));
                }
                _ if reading.taken == Some(false) => {}
                Item::Statement(sql) => {
                    statement = &text[sql.span.clone()];
                    self.statement(&reading, sql, &lines(text, &script.items, number));
                }
                Item::Meta(meta) if matches!(meta.command.as_str(), "q" | "quit") => {
                    self.quit(&reading, meta, &script.items[number + 1..]);
                    if reading.is_certain() {
                        return;
                    }
                }
                Item::Meta(meta) => {
                    self.meta(&reading, meta, &lines(text, &script.items, number));
                }
            }
        }
    }

    fn statement(
        &mut self,
        reading: &Reading<'_>,
        statement: &Statement,
        lines: &RangeInclusive<usize>,
    ) {
        if statement.end == End::Reset {
            return self.combined.clear();
        }
        let certain = reading.is_certain();
        let place = reading.place(statement.line);
        if certain && is_open_copy(reading.text, statement) {
            self.lose_copy(place.clone());
        }
        let effect = Effect::of(&statement.words);
        if effect == Effect::Prepares {
            self.warn(place.clone(), "the prepared transaction stays until COMMIT PREPARED");
        }
        self.combined.push((place, effect));
        if statement.end == End::Combined {
            return;
        }
        let together = std::mem::take(&mut self.combined);
        let alone = together.len() == 1;
        let text = &reading.text[statement.span.clone()];
        let first = together.first().map_or(*lines.start(), |(place, _)| place.line);
        let lines = first.min(*lines.start())..=*lines.end();
        let files = (reading.path, self.directory.as_path());
        let failure = self.failures.take(files, &lines, alone.then_some(text));
        let opens = self.variables.switch("AUTOCOMMIT").map(|on| !on);
        let errors_undone = self.variables.switch("ON_ERROR_ROLLBACK") == Some(true);
        let ends = |effect: Effect| !matches!(effect, Effect::Opens | Effect::Runs);
        let is_unclear = !alone && failure.is_some() && together.iter().any(|(_, e)| ends(*e));
        for (place, effect) in together {
            // of several statements in one message, the server does not run those after the failed
            // one; BEGIN hardly ever fails
            let failure = failure.filter(|_| alone || effect != Effect::Opens);
            let effect = if is_unclear && ends(effect) { Effect::Runs } else { effect };
            self.transaction.run(Ran { place, effect, certain, failure, opens }, errors_undone);
        }
        if is_unclear {
            self.transaction.doubt();
        }
    }

    fn meta(&mut self, reading: &Reading<'_>, meta: &Meta, lines: &RangeInclusive<usize>) {
        let certain = reading.is_certain();
        let place = reading.place(meta.line);
        match meta.command.as_str() {
            "i" | "include" | "ir" | "include_relative" => self.include(reading, meta),
            "c" | "connect" => {
                self.reconnects = true;
                self.transaction.reconnect(&place, certain);
            }
            "gexec" => self.transaction.open(place, false),
            "restrict" => self.review.restricted = Some(place),
            "unrestrict" => self.review.restricted = None,
            "copy" | "g" | "gx" => {
                if meta.command == "copy"
                    && certain
                    && is_open(reading.text, meta.copy_data.as_ref())
                {
                    self.lose_copy(place.clone());
                }
                let files = (reading.path, self.directory.as_path());
                if let Some(failure) = self.failures.take(files, lines, None) {
                    let opens = self.variables.switch("AUTOCOMMIT").map(|on| !on);
                    let ran =
                        Ran { place, effect: Effect::Runs, certain, failure: Some(failure), opens };
                    self.transaction.run(ran, false);
                }
            }
            "cd" if certain => {
                self.questions.extend(self.variables.unknown(&meta.arguments));
                let to = meta.arguments.first().and_then(|to| self.variables.value(to));
                self.directory.push(to.unwrap_or_default());
            }
            "set" | "unset" => {
                let mut now = self.variables.clone();
                now.apply(meta, true, "");
                let names = meta.arguments.first().is_some_and(|name| name.raw == "ON_ERROR_STOP");
                if names && now.switch("ON_ERROR_STOP") == Some(false) {
                    self.warn(place, "ON_ERROR_STOP is off from here on: psql passes over errors");
                }
                self.variables.apply(meta, certain, "");
            }
            _ => self.variables.apply(meta, certain, reading.statement),
        }
    }

    fn include(&mut self, reading: &Reading<'_>, meta: &Meta) {
        let Some(argument) = meta.arguments.first() else { return };
        self.questions.extend(self.variables.unknown(&meta.arguments));
        let Some(value) = self.variables.value(argument) else {
            self.variables.doubt_all();
            self.transaction.doubt();
            return self.transaction.open(reading.place(meta.line), false);
        };
        // psql removes semicolons without quotes at the end
        let semicolons = argument.raw.len() - argument.raw.trim_end_matches(';').len();
        let target = Path::new(&value[..value.len().saturating_sub(semicolons)]).to_owned();
        let relative = matches!(meta.command.as_str(), "ir" | "include_relative");
        let beside = reading.path.parent().filter(|_| relative);
        let target = beside.map_or(target.clone(), |directory| directory.join(target));
        self.file(&target, reading.depth + 1, reading.taken);
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

/// The lines that psql may report for an error of an item: up to the end of its data, or to the
/// command that sends it.
fn lines(text: &str, items: &[Item], number: usize) -> RangeInclusive<usize> {
    let (line, data, sent) = match &items[number] {
        Item::Statement(statement) => (statement.line, &statement.copy_data, statement.end),
        Item::Meta(meta) => (meta.line, &meta.copy_data, End::Semicolon),
    };
    let span = items[number].span();
    let end = data.as_ref().map_or(span.end, |data| data.end.max(span.end));
    let last = line + text[span.start..end].matches('\n').count();
    let last = match (sent, items.get(number + 1)) {
        (End::Command, Some(Item::Meta(meta))) => last.max(meta.line),
        (End::File, _) => usize::MAX,
        _ => last,
    };
    line..=last
}

/// Whether the end of the file cuts off the data of a `COPY … FROM STDIN`.
fn is_open_copy(text: &str, statement: &Statement) -> bool {
    let words = &statement.words;
    let is_copy = words.first().is_some_and(|word| word == "COPY")
        && words.windows(2).any(|pair| pair[0] == "FROM" && pair[1].starts_with("STD"));
    let is_empty = statement.copy_data.is_none() && statement.end == End::Semicolon;
    is_copy && (is_empty || is_open(text, statement.copy_data.as_ref()))
}

/// Whether the data lacks the line `\.`.
fn is_open(text: &str, data: Option<&std::ops::Range<usize>>) -> bool {
    let data = data.and_then(|data| text.get(data.clone()));
    data.is_some_and(|data| !(data == "\\." || data.ends_with("\n\\.")))
}

#[cfg(test)]
mod tests;
