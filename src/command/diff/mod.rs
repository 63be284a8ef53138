//! `database diff`: does what production will be equal what the sources say?
//!
//! Two databases are made at once, each in a cluster of its own, and compared as facts and rows. What
//! is compared never was text, so what is equal is equal.

mod proof;
mod side;

use std::time::Instant;

use serde::Serialize;

pub use proof::{Outcome, Refusal, Writing};
pub use side::{Against, Ground};

use crate::compare::drift;
use crate::compare::drift::{Class, Day, Difference, Roles, Rules};
use crate::compare::facts;
use crate::compare::facts::{Facts, Identity};
use crate::compare::origin;
use crate::compare::origin::{Library, Origin, Story};
use crate::compare::rows;
use crate::compare::rows::TableDiff;
use crate::environment::private::Kept;
use crate::postgres::connection::session::Session;
use crate::sys::error::{Context, Error, Result};
use crate::sys::parallel::at_once;
use proof::Compared;
use side::{Side, owner};

/// A comparison.
pub struct Diff<'a> {
    /// What both sides are made of.
    pub ground: &'a Ground,
    /// What the sources are compared with.
    pub against: Against,
    /// Which rows are compared.
    pub rows: rows::Wanted,
    /// The migration to be drafted from the differences.
    pub draft: Option<Writing>,
    /// What is set aside.
    pub rules: Rules,
    /// The day, for rules that end.
    pub today: Day,
}

/// Everything that differs.
#[derive(Debug)]
pub struct Report {
    /// What side A is.
    pub a: String,
    /// What side B is.
    pub b: String,
    /// Between the schemas.
    pub schema: Vec<Difference>,
    /// Between the rows of immutable tables.
    pub rows: Vec<TableDiff>,
    /// How many migrations the backup lacked.
    pub behind: Option<usize>,
    /// What was set aside, and why.
    pub ignored: Vec<Ignored>,
    /// The clusters that were kept, of side A first.
    pub kept: Vec<Kept>,
    /// What became of the migration that was wanted.
    pub draft: Option<Outcome>,
}

/// A difference that a rule sets aside.
#[derive(Debug, Serialize)]
pub struct Ignored {
    /// What differs.
    pub object: String,
    /// The object of the schema.
    #[serde(skip)]
    pub identity: Option<Identity>,
    /// The rule's reason.
    pub reason: String,
}

/// How much a report weighs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Weight {
    /// Differences of the classes that count, and tables whose rows differ.
    pub counting: usize,
    /// The others.
    pub other: usize,
}

impl Report {
    /// One without differences.
    fn between(a: &str, b: &str) -> Self {
        Self {
            a: a.to_owned(),
            b: b.to_owned(),
            schema: Vec::new(),
            rows: Vec::new(),
            behind: None,
            ignored: Vec::new(),
            kept: Vec::new(),
            draft: None,
        }
    }

    /// Sets aside what the rules say.
    pub fn ignore(&mut self, rules: &Rules, today: Day) {
        let ignored = &mut self.ignored;
        let mut keep = |object: String, identity: Option<&Identity>, reason: Option<&str>| {
            let identity = identity.cloned();
            let set_aside = |reason: &str| Ignored { object, identity, reason: reason.to_owned() };
            ignored.extend(reason.map(set_aside));
            reason.is_none()
        };
        self.schema.retain(|difference| {
            let identity = &difference.identity;
            keep(identity.to_string(), Some(identity), rules.reason(difference, today))
        });
        let rows = |table: &str| rules.reason_for_rows(table, today);
        self.rows.retain(|found| keep(format!("rows {}", found.table), None, rows(&found.table)));
    }

    /// Weighs the report: rows always count.
    pub fn weigh(&self, counting: &[Class]) -> Weight {
        let counts = self.schema.iter().filter(|d| counting.contains(&d.class)).count();
        Weight { counting: counts + self.rows.len(), other: self.schema.len() - counts }
    }
}

impl Diff<'_> {
    /// Makes both sides and compares them. Nothing is left behind.
    ///
    /// # Errors
    /// `Migration` for SQL that fails while a side is made.
    pub fn run(&self) -> Result<Report> {
        if let Some(draft) = &self.draft {
            draft.check(self.ground, matches!(self.against, Against::Database(_)))?;
        }
        let (tell, locale) = std::sync::mpsc::channel();
        let (a, b) = timed("both sides prepared", || {
            at_once(|| self.ground.side_a(&self.against, tell), || self.ground.side_b(&locale))
        });
        let a = a.context("cannot prepare the other side");
        match (a, b.context("cannot prepare the sources' side")) {
            (Ok(a), Ok(b)) => self.read(a, b),
            // each side removes itself
            (Err(error), Ok(side)) | (Ok(side), Err(error)) => {
                drop(side);
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    fn read(&self, a: Side, b: Side) -> Result<Report> {
        let (of_a, of_b) = at_once(|| self.reading(&a), || self.reading(&b));
        let (mut of_a, mut of_b) = (of_a.context("cannot read the other side")?, of_b?);
        let roles = Roles { a: of_a.owner, b: of_b.owner };
        let sessions = (&mut of_a.session, &mut of_b.session);
        let rows = timed("rows compared", || rows::compare(sessions.0, sessions.1, &self.rows));
        let rows = rows.map_err(explained)?;
        facts::end(&mut of_a.session)?;
        facts::end(&mut of_b.session)?;
        drop((of_a.session, of_b.session));
        // side B is always ours
        timed("definitions parsed again", || {
            facts::respell(&mut of_a.facts, &of_b.facts, || b.beside())
        })?;
        let mut schema = drift::compare(&of_a.facts, &of_b.facts, &roles);
        if !schema.is_empty() {
            self.trace(&mut schema, (&a, &of_a.facts), (&b, &of_b.facts))?;
        }
        let mut report =
            Report { schema, rows, behind: a.behind(), ..Report::between(a.name(), b.name()) };
        report.ignore(&self.rules, self.today);
        if let Some(draft) = &self.draft {
            report.draft = Some(draft.write(&Compared {
                diff: self,
                sides: [&a, &b],
                facts: [&of_a.facts, &of_b.facts],
                roles: &roles,
                report: &report,
            })?);
            report.rows.iter_mut().for_each(TableDiff::cut);
        }
        let keep = self.ground.private.keep;
        let (of_a, of_b) =
            timed("both sides removed", || at_once(|| a.finish(keep), || b.finish(keep)));
        report.kept = [of_a?, of_b?].into_iter().flatten().collect();
        Ok(report)
    }

    fn reading(&self, side: &Side) -> Result<Reading> {
        timed(&format!("schema of the {} read", side.name()), || {
            let (mut session, facts) = side.read(self.draft.is_some())?;
            Ok(Reading { owner: owner(&mut session)?, session, facts })
        })
    }

    /// Says where each difference comes from.
    fn trace(
        &self,
        differences: &mut [Difference],
        (a, facts_a): (&Side, &Facts),
        (b, facts_b): (&Side, &Facts),
    ) -> Result<()> {
        let of_a = Story {
            touched: a.touched(),
            history: origin::history(&mut a.beside()?),
            otherwise: matches!(self.against, Against::Backup(_)).then_some("the backup"),
            ..Story::default()
        };
        let mut files = Library::default();
        for (path, text) in self.ground.source.files() {
            files.add(&path.display().to_string(), &text);
        }
        let of_b = Story { touched: b.touched(), files, ..Story::default() };
        for difference in differences {
            let Difference { identity, what, .. } = &*difference;
            let a = of_a.origin(identity, facts_a, what);
            let b = of_b.origin(&difference.identity_on_b(), facts_b, what);
            difference.origin = Origin { a, b };
        }
        Ok(())
    }
}

/// A side whose schema was read, in the transaction in which it was.
struct Reading {
    session: Session,
    owner: String,
    facts: Facts,
}

/// What to do about rows that may not be read.
fn explained(error: Error) -> Error {
    if error.message().contains("row-level security") {
        return error.context("cannot compare the rows").hint(
            "what a policy hides cannot be compared: use a role that owns the tables, or has BYPASSRLS",
        );
    }
    error
}

/// Does the work and says how long it took.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = work();
    tracing::debug!("{what} in {} ms", begin.elapsed().as_millis());
    done
}
