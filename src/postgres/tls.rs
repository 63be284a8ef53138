//! TLS for sessions.
