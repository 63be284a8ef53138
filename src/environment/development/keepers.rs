//! The keepers of a development cluster.

use std::time::Duration;

use crate::cluster::Running;
use crate::environment::idle;
use crate::environment::keeper::KeeperProgram;
use crate::environment::lease::{Holder, Leases};
use crate::sys::error::Result;

/// The keepers that a command starts for the server that it provides.
#[derive(Debug, Clone)]
pub struct Keepers {
    /// The program of the keepers.
    pub program: KeeperProgram,
    /// The process to which the server is leased.
    pub holder: Option<Holder>,
    /// Let the server go on running when its last lease ends.
    pub keep_alive: bool,
    /// Stop the server when it has had no session for this long.
    pub idle_stop: Option<Duration>,
}

impl Keepers {
    /// Starts the keepers. `ran` says whether the server ran before this command. The caller holds
    /// the cluster's lock.
    ///
    /// Only the command that starts a server decides whether it ends with its last lease. So a
    /// shell that finds a server running does not stop it at its end, and a command without a lease
    /// changes nothing while others have leases.
    pub(super) fn attend(&self, running: &Running, ran: bool) -> Result<()> {
        let layout = &running.spec().layout;
        let leases = Leases::of(layout);
        idle::awake(layout)?;
        if let Some(holder) = &self.holder {
            self.program.keep(layout, holder)?;
        }
        if self.keep_alive || (!ran && leases.holders().is_empty()) {
            leases.set_ends_with_last(false)?;
        } else if !ran && self.holder.is_some() {
            leases.set_ends_with_last(true)?;
        }
        self.idle_stop.map_or(Ok(()), |limit| self.program.watch(running, limit))
    }
}
