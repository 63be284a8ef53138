//! A project's files: their paths, the sources, the patch file and the tests, and the files of a new
//! project.

pub mod closure;
pub mod new;
pub mod patch;
pub mod schema;
pub mod source;
pub mod split;
pub mod tap;
pub mod test;
pub mod watched;
pub mod workspace;
