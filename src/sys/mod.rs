//! The services of Unix: processes, signals and files; the error type that every room returns; and
//! digests and a sort, which several rooms need.

pub mod digest;
pub mod error;
pub mod file;
pub mod keys;
pub mod later;
pub mod no_follow;
pub mod parallel;
pub mod process;
pub mod scratch;
pub mod shell;
pub mod shown;
pub mod signal;
pub mod steps;
pub mod watch;
