//! The Test Anything Protocol, as pgTAP prints it through psql.
//!
//! The grammar is that of Perl's `TAP::Parser`, which `prove` uses. There are two differences: a
//! file may print no TAP at all, and the parser looks for TAP in the cells of psql's tables. Only
//! top-level lines count: the lines of a subtest are indented.

mod grammar;
mod layout;
mod record;

use std::collections::HashSet;

use self::grammar::{Line, Plan, Test};
use self::layout::{Layout, Value};
use self::record::Records;
pub use self::record::{Directive, Record};

/// The versions of TAP that a stream may declare.
const VERSIONS: std::ops::RangeInclusive<u32> = 13..=14;

const NO_PLAN: &str =
    "no plan says how many tests there are: begin with plan(3) or end with finish(), or print 1..3";

/// The results of a TAP stream so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tap {
    /// The number of tests that passed. Skipped tests and expected failures (`TODO`) count as
    /// passed.
    pub passed: usize,
    /// The lines of the tests that failed.
    pub failed: Vec<String>,
    records: Records,
    layout: Layout,
    /// A line `not`, which the next line continues.
    not: Option<String>,
    version: u32,
    /// Every line must be TAP, because of the pragma `strict`.
    strict: bool,
    plan: Option<Planned>,
    /// At least one line can only be TAP.
    certain: bool,
    /// The first line that begins like a plan but is malformed.
    malformed: Option<String>,
    /// The first violation of the protocol.
    broken: Option<String>,
    bailed_out: Option<String>,
}

/// The plan that the stream announced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Planned {
    tests: Option<usize>,
    /// The numbers of the tests that are expected to fail.
    todo: HashSet<String>,
    /// The number of tests before the plan. In a valid stream, the plan is its first or its last
    /// line, so this number is zero or that of all tests.
    after: usize,
}

impl Tap {
    /// Reads one line. Ignores a line that is not TAP.
    pub fn read(&mut self, line: &str) {
        // `TAP::Parser` also joins such a line with the next one
        let line = match self.not.take() {
            Some(not) => not + line,
            None => line.to_owned(),
        };
        if line.trim_matches(grammar::is_space) == "not" {
            self.not = Some(line);
        } else {
            self.push(&line);
        }
    }

    /// Says that a statement begins, with a number of the caller. No test spans two statements.
    pub fn begin_statement(&mut self, number: usize) {
        self.flush();
        self.records.statement = Some(number);
    }

    /// The tests so far.
    pub fn tests(&self) -> &[Record] {
        &self.records.tests
    }

    /// Reads the lines that were held back.
    fn flush(&mut self) {
        if let Some(line) = self.not.take() {
            self.push(&line);
        }
        if let Some(line) = self.layout.end() {
            self.line(&line, false);
        }
    }

    fn push(&mut self, line: &str) {
        if let Some((line, is_heading)) = self.layout.push(line) {
            self.line(&line, is_heading);
        }
    }

    fn line(&mut self, line: &str, is_heading: bool) {
        if self.bailed_out.is_some() {
            return;
        }
        let values = layout::values(line);
        let inner = values.last().map_or(line, |value| value.text);
        if values.iter().any(|value| self.take(*value, is_heading)) {
            return;
        }
        self.records.other(inner);
        if self.strict {
            self.breaks(format!("the pragma is strict, and this is no TAP: {line}"));
        }
    }

    /// Reads a line of TAP. Returns `false` for any other line.
    fn take(&mut self, value: Value<'_>, is_heading: bool) -> bool {
        match Line::parse(value.text, self.version) {
            Line::Test(test) if is_heading && test.is_vague => return false,
            Line::BailOut(reason) => self.bailed_out = Some(reason),
            Line::Test(test) => {
                self.certain |= !(value.in_table && test.is_vague);
                self.test(&test, value.text);
            }
            Line::Plan(plan) => self.plan(plan),
            Line::Version(version) => self.version(version),
            Line::Pragmas(pragmas) => {
                let strict = pragmas.iter().rev().find(|(name, _)| name == "strict");
                self.strict = strict.map_or(self.strict, |(_, on)| *on);
            }
            Line::Comment => self.records.comment(value.text),
            Line::Unknown => {
                if value.text.starts_with("1..") {
                    self.malformed.get_or_insert(value.text.to_owned());
                }
                return false;
            }
        }
        true
    }

    fn version(&mut self, version: Option<u32>) {
        self.certain = true;
        if self.version > 0 || self.plan.is_some() || self.ran() > 0 {
            return self.breaks("the version of TAP is not in the first line".to_owned());
        }
        match version.filter(|version| VERSIONS.contains(version)) {
            Some(version) => self.version = version,
            None => self.breaks("this version of TAP is not known".to_owned()),
        }
    }

    fn test(&mut self, test: &Test, line: &str) {
        let expected = self.ran() + 1;
        let mut passes = test.ok || matches!(test.directive, Some(Directive::Todo(_)));
        if let Some(plan) = &mut self.plan {
            let after = plan.after;
            passes |= test.number.as_ref().is_some_and(|number| plan.todo.remove(number));
            if after > 0 {
                self.breaks("the plan is neither before nor after all tests".to_owned());
            }
        }
        if test.number.as_ref().is_some_and(|found| *found != expected.to_string()) {
            let found = test.number.as_deref().unwrap_or_default();
            self.breaks(format!("test {found} stands where test {expected} is expected"));
        }
        if passes {
            self.passed += 1;
        } else {
            self.failed.push(line.to_owned());
        }
        self.records.test(Record {
            number: test.number.clone(),
            description: test.description.clone(),
            ok: test.ok,
            passes,
            directive: test.directive.clone(),
            ..Record::default()
        });
    }

    fn plan(&mut self, Plan { tests, todo }: Plan) {
        self.certain = true;
        if self.plan.is_some() {
            self.breaks("there is more than one plan".to_owned());
        }
        let todo = todo.into_iter().collect();
        self.plan = Some(Planned { tests, todo, after: self.ran() });
    }

    fn breaks(&mut self, why: String) {
        self.broken.get_or_insert(why);
    }

    /// The number of tests that ran.
    pub fn ran(&self) -> usize {
        self.passed + self.failed.len()
    }

    /// Ends the stream. Returns the reason if the tests did not pass.
    pub fn verdict(&mut self) -> Result<(), String> {
        self.flush();
        if let Some(reason) = &self.bailed_out {
            return Err(format!("bailed out: {reason}"));
        }
        if !self.failed.is_empty() {
            return Err(format!("{} of {} not ok", self.failed.len(), self.ran()));
        }
        match &self.plan {
            Some(Planned { tests: Some(tests), .. }) if *tests != self.ran() => {
                return Err(format!("{tests} tests were planned, {} ran", self.ran()));
            }
            Some(Planned { tests: None, .. }) => {
                return Err("the plan announces more tests than this machine can count".to_owned());
            }
            Some(_) => {}
            None => self.without_plan()?,
        }
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// Judges a stream without a plan. If it has TAP, nobody can tell whether all tests ran, so it
    /// fails. Output without any TAP passes.
    fn without_plan(&mut self) -> Result<(), String> {
        if let Some(line) = &self.malformed {
            return Err(format!("the plan {line} is malformed"));
        }
        if self.certain {
            return Err(NO_PLAN.to_owned());
        }
        self.passed = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
