//! A connected session.
