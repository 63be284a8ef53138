//! The session at the end of a script, asked in the same psql.
//!
//! psql exits with 0 and rolls back when a file leaves a transaction open. So more actions follow
//! the file, which psql takes up even after `\q`: they report the session on standard error, in
//! lines that begin with a word of ours. First they undo what a script may have set, because
//! standard output belongs to the script.

use super::variables::Answers;
use std::hash::{BuildHasher, RandomState};

/// What psql says to any of the actions after `\restrict` without `\unrestrict`.
const RESTRICTED: &str = "backslash commands are restricted; only \\unrestrict is allowed";

/// What `SQLSTATE` is until the server answers.
const SILENT: &str = "none";

/// The session at the end of a script.
#[derive(Debug)]
pub(super) struct Ending {
    word: String,
    /// The variables whose values psql tells.
    questions: Vec<String>,
    answers: Answers,
    restricted: bool,
    stops: Option<bool>,
    state: Option<String>,
}

/// What becomes of the session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is none.
    Idle,
    /// It is open, and the end of psql rolls it back.
    Open,
    /// It failed before, and nothing of it is kept.
    Failed,
    /// psql is not connected any more, or in the middle of a pipeline.
    Silent,
}

impl Ending {
    /// An ending that psql has not reported yet, with the values of these variables.
    pub(super) fn new(questions: Vec<String>) -> Self {
        // a script cannot guess it
        let word = format!("db-tool-{:016x}", RandomState::new().hash_one(std::process::id()));
        let answers = Answers::new();
        Self { word, questions, answers, restricted: false, stops: None, state: None }
    }

    /// The actions that follow the file.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let word = &self.word;
        // the word again ends the value, which may be empty or hold line ends
        let ask = |name: &String| format!("\\warn {word} {name} :{{?{name}}} :{name} {word}");
        // first: psql repeats every action while ECHO is `all`
        let begin = ["\\set ECHO none".to_owned(), format!("\\warn {word} :ON_ERROR_STOP")];
        let asked: Vec<_> = self.questions.iter().map(ask).collect();
        let end = [
            "\\set ON_ERROR_STOP off".to_owned(),
            "\\set QUIET on".to_owned(),
            "\\set SINGLESTEP off".to_owned(),
            "\\set AUTOCOMMIT on".to_owned(),
            "\\timing off".to_owned(),
            format!("\\set SQLSTATE {SILENT}"),
            // refused in a transaction block; otherwise it does what the end of a session does
            "DISCARD ALL".to_owned(),
            format!("\\warn {word} :SQLSTATE"),
        ];
        begin.into_iter().chain(asked).chain(end).flat_map(|action| ["-c".to_owned(), action])
    }

    /// Takes a line of psql's standard error, and returns what of it is the script's.
    pub(super) fn hear<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let Some(at) = line.find(&self.word) else {
            self.restricted |= line == RESTRICTED;
            return Some(line).filter(|_| self.stops.is_none() && line != RESTRICTED);
        };
        // the script may have left a line without its end
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

    /// The values of the variables that were asked for.
    pub(super) fn answers(&self) -> Answers {
        self.answers.clone()
    }

    /// Whether `\restrict` kept psql from reporting.
    pub(super) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Whether psql stopped at errors until the end.
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
