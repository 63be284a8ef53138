//! psql: a lexer for its scripts, and ways to run them.

pub mod interpreter;
pub mod lexer;
pub mod script;
