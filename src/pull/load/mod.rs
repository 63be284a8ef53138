//! Loading pulled rows into a database, and checking that all arrived.

pub(in crate::pull) mod channel;
pub(in crate::pull) mod into_database;
pub(in crate::pull) mod receipt;
