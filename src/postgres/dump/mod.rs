//! The schema of a database as `pg_dump` writes it, split into its entries.
//!
//! `pg_dump` puts a comment with the name and the kind of each object above its statements. A body of
//! a function may contain the same text, so the comments count only between statements, as psql
//! splits them.

mod entry;
mod run;

pub use entry::{Dump, Entry};
pub use run::PgDump;
