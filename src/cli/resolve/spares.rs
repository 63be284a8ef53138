//! Whether new clusters begin with spares, and the processes that make them.

use super::Resolve;
use crate::cluster::{Spares, wishes};
use crate::environment::keeper::KeeperProgram;
use crate::sys::error::Result;

impl Resolve {
    /// Where new clusters begin with spares. A machine of continuous integration (`CI`) has no next
    /// command.
    pub(super) fn spares(&self) -> Result<Spares> {
        let setting =
            self.on_or_off("PG_SPARE", "by default, it is on if the cluster is on a disk")?;
        Ok(match setting {
            Some(false) => Spares::Off,
            Some(true) => Spares::Everywhere,
            None if self.env.switch("CI") => Spares::Off,
            None => Spares::OnDisk,
        })
    }

    /// Starts the processes that make the spares which this process wishes.
    pub(in crate::cli) fn make_spares(&self) {
        let wishes = wishes();
        let Some(program) = (!wishes.is_empty()).then(|| self.own_program()).and_then(Result::ok)
        else {
            return;
        };
        let program = KeeperProgram { program, environment: self.environment() };
        for wish in wishes {
            if let Err(error) = program.make_spare(&wish) {
                tracing::debug!("no spare is made: {error}");
            }
        }
    }
}
