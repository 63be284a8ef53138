//! Reads and checks the archives of a backup.

pub(in crate::backup) mod archive;
pub(in crate::backup) mod archives;
pub(in crate::backup) mod manifest;
