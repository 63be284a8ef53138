//! What PostgreSQL offers: its programs, its connection strings, its sessions, its errors.

pub mod conninfo;
pub mod session;
pub mod sql_error;
pub mod tls;
pub mod url;
