//! What PostgreSQL offers: its programs, its connection strings, its sessions, its errors.

pub mod conninfo;
pub mod interpreter;
pub mod lexer;
pub mod locale;
pub mod quote;
pub mod script;
pub mod session;
pub mod sql_error;
pub mod template;
pub mod tls;
pub mod toolchain;
pub mod url;
