//! Copies of data directories: the cache of templates, and snapshots.

pub(in crate::cluster) mod cache;
pub(in crate::cluster) mod copy;
pub(in crate::cluster) mod description;
pub(in crate::cluster) mod manifest;
pub(in crate::cluster) mod preparation;
pub(in crate::cluster) mod recipe;
pub(in crate::cluster) mod replaced;
pub(in crate::cluster) mod rewind;
pub(in crate::cluster) mod saving;
pub(in crate::cluster) mod snapshot;
pub(in crate::cluster) mod spare;
pub(in crate::cluster) mod state;
pub(in crate::cluster) mod stock;
pub(in crate::cluster) mod tablespace;
mod thin;
pub mod transfer;
pub(in crate::cluster) mod trim;
