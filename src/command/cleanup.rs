//! `database cleanup` and `postgres-cleanup`.

use crate::cluster::{self, Cleaned, Layout, clean_up};
use crate::sys::error::Result;
use crate::sys::process::Patience;

/// Stops the cluster and removes the files that db-tool put into the working directory.
pub fn remove(layout: &Layout) -> Result<Cleaned> {
    clean_up(layout)
}

/// Stops the cluster. Returns `false` if no server ran.
pub fn stop(layout: &Layout) -> Result<bool> {
    cluster::stop(layout, Patience::Interruptible)
}
