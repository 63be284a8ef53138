//! What PostgreSQL offers: its programs, its connection strings, its sessions, its errors.

pub mod connection;
pub mod error;
pub mod locale;
pub mod psql;
pub mod sql;
pub mod toolchain;
