//! Migrations of other tools, turned into ours.
//!
//! `place` finds the old directory, and `files` reads it. The file of the tool tells ups and downs
//! apart, `numbers` gives the versions, `psql` protects the SQL from psql, and `write` makes our
//! directory.
//!
//! The files of the tools are pure: they map the names and texts of files to `Found`s. A tool sends
//! its SQL straight to the server, but ours goes through psql; `psql` keeps the meaning or names the
//! line that has no counterpart.

pub mod checksum;
mod dbmate;
mod diesel;
pub mod files;
mod flyway;
pub mod found;
mod golang_migrate;
mod goose;
mod graphile;
pub mod history;
mod numbers;
pub mod place;
mod placeholders;
mod psql;
mod rails;
pub mod read;
mod refinery;
mod sqitch;
mod sqlx;
pub mod tool;
pub mod write;
