//! The state of the session at the end of a script, which the same psql reports.
//!
//! If a file leaves a transaction open, psql rolls it back and exits with 0. So db-tool adds
//! actions after the file, which psql runs even after `\q`. They report the session on standard
//! error, in lines that begin with a secret word; standard output belongs to the script. First they
//! reset settings that the script may have changed.

use super::variables::Answers;
use std::hash::{BuildHasher, RandomState};

/// psql's message for each of these actions after `\restrict` without `\unrestrict`.
const RESTRICTED: &str = "backslash commands are restricted; only \\unrestrict is allowed";

/// The value of `SQLSTATE` until the server answers.
const SILENT: &str = "none";

/// The state of the session at the end of a script.
#[derive(Debug)]
pub(super) struct Ending {
    word: String,
    /// The variables whose values psql prints.
    questions: Vec<String>,
    answers: Answers,
    restricted: bool,
    stops: Option<bool>,
    state: Option<String>,
}

/// The state of the session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is no transaction.
    Idle,
    /// The transaction is open, and psql rolls it back at its end.
    Open,
    /// The transaction has failed, so nothing of it is kept.
    Failed,
    /// psql is not connected, or in a pipeline.
    Silent,
}

impl Ending {
    /// A state that psql has not reported yet. psql will also report the values of these variables.
    pub(super) fn new(questions: Vec<String>) -> Self {
        // the word is random, so that no script can print it
        let word = format!("db-tool-{:016x}", RandomState::new().hash_one(std::process::id()));
        let answers = Answers::new();
        Self { word, questions, answers, restricted: false, stops: None, state: None }
    }

    /// The actions after the file, as arguments of psql.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let word = &self.word;
        // the second word marks the end of the value, which may be empty or contain line ends
        let ask = |name: &String| format!("\\warn {word} {name} :{{?{name}}} :{name} {word}");
        // this comes first: psql repeats every action while ECHO is `all`
        let begin = ["\\set ECHO none".to_owned(), format!("\\warn {word} :ON_ERROR_STOP")];
        let asked: Vec<_> = self.questions.iter().map(ask).collect();
        let end = [
            "\\set ON_ERROR_STOP off".to_owned(),
            "\\set QUIET on".to_owned(),
            "\\set SINGLESTEP off".to_owned(),
            "\\set AUTOCOMMIT on".to_owned(),
            "\\timing off".to_owned(),
            format!("\\set SQLSTATE {SILENT}"),
            // in a transaction block the server refuses this; else it does the same as the end of
            // the session
            "DISCARD ALL".to_owned(),
            format!("\\warn {word} :SQLSTATE"),
        ];
        begin.into_iter().chain(asked).chain(end).flat_map(|action| ["-c".to_owned(), action])
    }

    /// Takes a line of psql's standard error. Returns the part of it that the script printed.
    pub(super) fn take_line<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let Some(at) = line.find(&self.word) else {
            self.restricted |= line == RESTRICTED;
            return Some(line).filter(|_| self.stops.is_none() && line != RESTRICTED);
        };
        // the script may have printed a text without a line end
        let left = Some(&line[..at]).filter(|left| self.stops.is_none() && !left.is_empty());
        let said = line[at + self.word.len()..].trim();
        if self.stops.is_none() {
            self.stops = Some(said == "1" || said == "on");
        } else if said.ends_with(&self.word) {
            self.answer(said);
        } else {
            self.state = Some(said.to_owned());
        }
        left
    }

    fn answer(&mut self, said: &str) {
        let said = said.trim_end_matches(&self.word).trim_end_matches(' ');
        let Some((name, said)) = said.split_once(' ') else { return };
        let value = match said.split_once(' ') {
            Some(("TRUE", value)) => Some(value.to_owned()),
            None if said == "TRUE" => Some(String::new()),
            _ => None,
        };
        self.answers.insert(name.to_owned(), value);
    }

    /// The values of the variables.
    pub(super) fn answers(&self) -> Answers {
        self.answers.clone()
    }

    /// Whether `\restrict` prevented psql from reporting.
    pub(super) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Whether `ON_ERROR_STOP` was on at the end.
    pub(super) fn stops(&self) -> bool {
        self.stops == Some(true)
    }

    /// The state of the transaction.
    pub(super) fn state(&self) -> State {
        match self.state.as_deref() {
            Some("00000") => State::Idle,
            Some("25001") => State::Open,
            Some("25P02") => State::Failed,
            _ => State::Silent,
        }
    }
}
