//! Rows that are put into the database, and the check that they arrived.

pub(in crate::pull) mod channel;
pub(in crate::pull) mod into_database;
pub(in crate::pull) mod receipt;
