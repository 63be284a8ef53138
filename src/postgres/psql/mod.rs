//! psql: its lexing, its scripts, and a psql that is kept running.

pub mod interpreter;
pub mod lexer;
pub mod script;
