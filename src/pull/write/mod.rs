//! Writing the patch file, its parts and its state.

pub(in crate::pull) mod digester;
pub(in crate::pull) mod dump;
pub(in crate::pull) mod file;
pub(in crate::pull) mod parts;
pub(in crate::pull) mod state;
