//! Saves a state of a private cluster and goes back to it. The state is a copy beside the data
//! directory.

use super::snapshot::clone;
use crate::cluster::files::remove_tree;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{Cluster, Running, STOP_LIMIT};
use crate::sys::error::Result;

/// The two parts of the copy's name.
const STATE: (&str, &str) = ("saved", "state");

impl Running {
    /// Saves the current state, and removes the state that was saved before. Ends all sessions.
    pub fn save(&mut self) -> Result<()> {
        self.restart(|cluster| {
            let layout = &cluster.spec.layout;
            let saved = layout.beside_data(STATE.0, STATE.1);
            remove_tree(&saved)?;
            clone(&layout.data(), &saved)
        })
    }

    /// Goes back to the saved state and keeps it. Ends all sessions.
    pub fn go_back(&mut self) -> Result<()> {
        self.restart(|cluster| {
            let layout = &cluster.spec.layout;
            let saved = layout.beside_data(STATE.0, STATE.1);
            remove_tree(&layout.data())?;
            clone(&saved, &layout.data())
        })
    }

    /// Stops the server, does `meanwhile`, and starts it again, even if `meanwhile` has failed.
    pub(super) fn restart(&mut self, meanwhile: impl FnOnce(&Cluster) -> Result<()>) -> Result<()> {
        let _acting = self.spec().act()?;
        self.postmaster.stop(Shutdown::Fast, STOP_LIMIT)?;
        let done = meanwhile(&self.cluster);
        let (spec, toolchain) = (self.cluster.spec.clone(), self.cluster.toolchain.clone());
        *self = Cluster::existing(spec, toolchain).start()?;
        done
    }
}
