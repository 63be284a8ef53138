//! A server: started, found, asked for access, paused and stopped.

pub(in crate::cluster) mod access;
pub(in crate::cluster) mod database;
pub(in crate::cluster) mod last_words;
pub(in crate::cluster) mod lock;
pub(in crate::cluster) mod pause;
pub mod postmaster;
pub(in crate::cluster) mod start;
