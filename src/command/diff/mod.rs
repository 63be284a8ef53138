//! `database diff`: will the schema of production be equal to the schema of the sources?
//!
//! The tool makes two databases at once, each in a private cluster, and compares their facts and
//! rows. It compares values from the catalogs, never dumped text, so that a different spelling is
//! no difference.

mod cached;
mod proof;
mod role;
mod side;

use std::time::Instant;

use serde::Serialize;
use time::Date;

pub use proof::{Outcome, Refusal, Writing};
pub use side::{Against, SideSpec};

use crate::compare::drift;
use crate::compare::drift::{Class, Difference, Roles, Rules};
use crate::compare::facts;
use crate::compare::facts::{Facts, Identity};
use crate::compare::origin;
use crate::compare::origin::{Library, Origin, Story};
use crate::compare::rows;
use crate::compare::rows::TableDiff;
use crate::environment::private::Kept;
use crate::postgres::connection::session::Session;
use crate::project::source::Source;
use crate::sys::error::{Context, Error, Result};
use crate::sys::parallel::at_once;
use proof::Compared;
use side::{Side, owner};

/// A comparison of two databases.
pub struct Diff<'a> {
    /// The settings and sources from which both sides are made.
    pub spec: &'a SideSpec,
    /// The database to compare with the sources.
    pub against: Against,
    /// The tables whose rows are compared.
    pub rows: rows::RowSelection,
    /// The migration to draft from the differences.
    pub draft: Option<Writing>,
    /// The rules of `diff-ignore.toml`.
    pub rules: Rules,
    /// The current day, because rules can expire.
    pub today: Date,
}

/// The differences between two databases.
#[derive(Debug)]
pub struct Report {
    /// The name of side A.
    pub a: String,
    /// The name of side B.
    pub b: String,
    /// Differences between the schemas.
    pub schema: Vec<Difference>,
    /// Differences between the rows of immutable tables.
    pub rows: Vec<TableDiff>,
    /// The number of migrations that the backup lacked.
    pub behind: Option<usize>,
    /// The differences that rules set aside, with their reasons.
    pub ignored: Vec<Ignored>,
    /// The clusters that `--keep` left running, side A first.
    pub kept: Vec<Kept>,
    /// The result of drafting, if a draft was requested.
    pub draft: Option<Outcome>,
}

/// A difference that a rule sets aside.
#[derive(Debug, Serialize)]
pub struct Ignored {
    /// The object or the rows that differ.
    pub object: String,
    /// The object, unless the difference is in rows.
    #[serde(skip)]
    pub identity: Option<Identity>,
    /// The rule's reason.
    pub reason: String,
}

/// The numbers of differences that count and do not count.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Weight {
    /// Differences of the classes that count, plus tables whose rows differ.
    pub counting: usize,
    /// All other differences.
    pub other: usize,
}

impl Report {
    /// Makes a report without differences.
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

    /// Moves the differences that the rules cover to `ignored`.
    pub fn ignore(&mut self, rules: &Rules, today: Date) {
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

    /// Counts the differences. Rows always count.
    pub fn weigh(&self, counting: &[Class]) -> Weight {
        let counts = self.schema.iter().filter(|d| counting.contains(&d.class)).count();
        Weight { counting: counts + self.rows.len(), other: self.schema.len() - counts }
    }
}

impl Diff<'_> {
    /// Makes both sides and compares them. Removes both, unless `--keep` is given.
    ///
    /// # Errors
    /// `Migration` if SQL fails while a side is made.
    pub fn run(&self) -> Result<Report> {
        if let Some(draft) = &self.draft {
            draft.check(self.spec, matches!(self.against, Against::Database(_)))?;
        }
        self.spec.private.places.attempt(|| self.attempt())
    }

    fn attempt(&self) -> Result<Report> {
        let (tell, locale) = std::sync::mpsc::channel();
        let (a, b) = timed("both sides prepared", || {
            at_once(|| self.spec.side_a(&self.against, tell), || self.spec.side_b(&locale))
        });
        let a = a.context("cannot prepare the other side");
        match (a, b.context("cannot prepare the sources' side")) {
            (Ok(mut a), Ok(b)) => {
                if self.draft.is_some() {
                    a.spoil();
                }
                self.read(a, b)
            }
            // a side removes its cluster when it is dropped
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
        // side B is always a private cluster
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
        let (of_a, of_b) = timed("both sides removed", || at_once(|| a.finish(), || b.finish()));
        report.kept = [of_a?, of_b?].into_iter().flatten().collect();
        Ok(report)
    }

    fn reading(&self, side: &Side) -> Result<Reading> {
        timed(&format!("schema of the {} read", side.name()), || {
            let (mut session, facts) = side.read(self.draft.is_some())?;
            Ok(Reading { owner: owner(&mut session)?, session, facts })
        })
    }

    /// Finds the origin of each difference.
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
        for (path, text) in self.spec.content.source.iter().flat_map(Source::files) {
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

/// A side whose schema was read, with the transaction that read it.
struct Reading {
    session: Session,
    owner: String,
    facts: Facts,
}

/// Adds a hint to an error about rows that the role may not read.
fn explained(error: Error) -> Error {
    if error.message().contains("row-level security") {
        return error.context("cannot compare the rows").hint(
            "row-level security hides rows: use a role that owns the tables or has BYPASSRLS",
        );
    }
    error
}

/// Runs `work` and logs how long it took.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = work();
    tracing::debug!("{what} in {} ms", begin.elapsed().as_millis());
    done
}
