//! What PostgreSQL offers: its programs, its connection strings, its sessions, its errors.

pub mod conninfo;
pub mod quote;
pub mod session;
pub mod tls;
pub mod url;
