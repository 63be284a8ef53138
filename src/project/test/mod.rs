//! The tests of a project: the files below `test`, the choice of files for a run, and the runs.
//!
//! `find` reads the files, `select` chooses from them without reading anything. `run` runs one file
//! in a database, and `pool` runs many at once, each in a database that the caller provides.

pub mod choose;
pub mod find;
pub mod outcome;
pub mod pool;
pub mod run;
pub mod select;
pub mod state;
mod traced;
