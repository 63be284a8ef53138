//! A project's files: their paths, the sources, the patch file and the tests.

pub mod patch;
pub mod source;
pub mod tap;
pub mod workspace;
