//! Connections to servers: URL, conninfo, TLS and session.

pub mod certificate;
pub mod conninfo;
pub mod durability;
pub mod password;
pub mod session;
pub mod tls;
pub mod url;
