//! The files that killed commands have left in a working directory.

use super::Layout;
use super::build::remove_abandoned;
use super::template::{replaced, snapshot};
use crate::sys::error::Result;

/// Finishes the work for which renames suffice, and removes the rest. Runs under the lock, so no
/// other command works here.
pub(super) fn recover(layout: &Layout) -> Result<()> {
    replaced::finish(layout)?;
    remove_abandoned(layout)?;
    snapshot::tidy(layout)
}
