//! SQL text: quoted identifiers and literals, and templates.

pub mod quote;
pub mod template;
