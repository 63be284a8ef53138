//! `database diff`: does what production will be equal what the sources say?
//!
//! Two databases are made at once, each in a cluster of its own, and compared as facts and rows. What
//! is compared never was text, so what is equal is equal.

mod side;

use serde::Serialize;

pub use side::{Against, Ground};

use crate::drift::{self, Class, Difference, Roles};
use crate::error::{Context, Error, Result};
use crate::facts::{self, Facts};
use crate::rows::{self, TableDiff};
use side::{Side, owner};

/// A comparison.
pub struct Diff<'a> {
    /// What both sides are made of.
    pub ground: &'a Ground,
    /// What the sources are compared with.
    pub against: Against,
    /// Which rows are compared.
    pub rows: rows::Wanted,
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
        let (a, b) = std::thread::scope(|scope| {
            let (tell, locale) = std::sync::mpsc::channel();
            let a = scope.spawn(|| self.ground.side_a(&self.against, tell));
            let b = self.ground.side_b(&locale).context("cannot prepare the sources' side");
            let a = a.join().unwrap_or_else(|_| Err(Error::unexpected("a side panicked")));
            (a.context("cannot prepare the other side"), b)
        });
        match (a, b) {
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
        let (mut of_a, mut of_b) = (a.open().context("cannot read the other side")?, b.open()?);
        let roles = Roles { a: owner(&mut of_a)?, b: owner(&mut of_b)? };
        let (facts_a, facts_b) = std::thread::scope(|scope| {
            let a = scope.spawn(|| Facts::read_within(&mut of_a));
            let b = Facts::read_within(&mut of_b);
            (a.join().unwrap_or_else(|_| Err(Error::unexpected("a side panicked"))), b)
        });
        let schema = drift::compare(&facts_a?, &facts_b?, &roles);
        let rows = rows::compare(&mut of_a, &mut of_b, &self.rows)?;
        let report = Report { a: a.name().to_owned(), b: b.name().to_owned(), schema, rows };
        facts::end(&mut of_a)?;
        facts::end(&mut of_b)?;
        drop((of_a, of_b));
        a.remove()?;
        b.remove()?;
        Ok(report)
    }
}
