//! A cluster that goes back to where it was: a copy of its data directory stands beside it.

use super::snapshot::clone;
use crate::cluster::files::remove_tree;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{Cluster, Running, STOP_LIMIT};
use crate::sys::error::Result;

/// Which state that is, for the name of the copy.
const STATE: (&str, &str) = ("saved", "state");

impl Running {
    /// Saves the state, in place of the one that was saved before. Ends all sessions.
    pub fn save(&mut self) -> Result<()> {
        self.restart(|cluster| {
            let layout = &cluster.spec.layout;
            let saved = layout.beside_data(STATE.0, STATE.1);
            remove_tree(&saved)?;
            clone(&layout.data(), &saved)
        })
    }

    /// Goes back to the saved state, which stays. Ends all sessions.
    pub fn go_back(&mut self) -> Result<()> {
        self.restart(|cluster| {
            let layout = &cluster.spec.layout;
            let saved = layout.beside_data(STATE.0, STATE.1);
            remove_tree(&layout.data())?;
            clone(&saved, &layout.data())
        })
    }

    fn restart(&mut self, meanwhile: impl FnOnce(&Cluster) -> Result<()>) -> Result<()> {
        let _acting = self.spec().act()?;
        self.postmaster.stop(Shutdown::Fast, STOP_LIMIT)?;
        meanwhile(&self.cluster)?;
        let (spec, toolchain) = (self.cluster.spec.clone(), self.cluster.toolchain.clone());
        *self = Cluster::existing(spec, toolchain).start()?;
        Ok(())
    }
}
