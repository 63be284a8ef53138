//! How a session reaches a server: URL, conninfo, TLS, and the session itself.

pub mod conninfo;
pub mod durability;
pub mod session;
pub mod tls;
pub mod url;
