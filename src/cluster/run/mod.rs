//! Servers: start, find, pause and stop them, check access, and make roles and databases.

pub(in crate::cluster) mod access;
pub mod activity;
pub(in crate::cluster) mod database;
pub(in crate::cluster) mod last_words;
pub(in crate::cluster) mod lock;
pub(in crate::cluster) mod pause;
pub mod postmaster;
pub(in crate::cluster) mod start;
