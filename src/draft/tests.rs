//! Drafts, without a server.
