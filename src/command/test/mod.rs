//! `database test`: runs the project's tests and judges the TAP that they print.

pub mod clones;
pub mod in_place;

use crate::postgres::connection::conninfo::Conninfo;
use crate::project::test::outcome::Kept;
use crate::project::test::pool::{Database, Databases};
use crate::sys::error::Result;

/// The database itself, for files that run one after the other.
pub struct Itself(pub Conninfo);

impl Databases for Itself {
    fn fresh(&self) -> Result<Box<dyn Database + '_>> {
        Ok(Box::new(Used(&self.0)))
    }
}

struct Used<'a>(&'a Conninfo);

impl Database for Used<'_> {
    fn conninfo(&self) -> &Conninfo {
        self.0
    }

    fn give_back(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    fn keep(self: Box<Self>) -> Result<Option<Kept>> {
        Ok(None)
    }
}
