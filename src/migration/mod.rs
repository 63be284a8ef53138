//! Migrations: what one may hold.

pub mod refuse;
