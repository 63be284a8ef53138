//! The services of Unix: processes, signals and files; and the error type that every room returns.

pub mod digest;
pub mod error;
pub mod file;
pub mod parallel;
pub mod process;
pub mod scratch;
pub mod shell;
pub mod signal;
pub mod steps;
