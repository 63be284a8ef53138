//! PostgreSQL's side: its programs, connection strings, sessions, psql and errors.

pub mod connection;
pub mod dump;
pub mod error;
pub mod locale;
pub mod psql;
pub mod sql;
pub mod toolchain;
