//! A backup's archives, read and checked.

pub(in crate::backup) mod archive;
pub(in crate::backup) mod manifest;
pub(in crate::backup) mod whole;
