//! A project's files: where they are, the sources, the patch and the tests.

pub mod patch;
pub mod source;
pub mod tap;
pub mod workspace;
