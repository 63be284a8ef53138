//! The keepers of the development cluster: leases and the idle stop.

use std::time::Duration;

use super::Resolve;
use crate::cli::args::init::LeaseArguments;
use crate::cli::duration::duration;
use crate::environment::development::Keepers;
use crate::environment::keeper::KeeperProgram;
use crate::environment::lease::Holder;
use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;

impl Resolve {
    /// The keepers of the server that a command provides. `PG_LEASE=off` beats `--lease`.
    pub fn keepers(&self, arguments: &LeaseArguments) -> Result<Keepers> {
        let variable = self.env.text("PG_LEASE")?;
        let holder = match (arguments.lease, variable) {
            _ if arguments.keep_alive => None,
            (_, Some("off")) => None,
            (Some(pid), _) => Some(Holder::of(pid)?),
            (None, Some(text)) => holder_of_variable(text)?,
            (None, None) => None,
        };
        let program =
            KeeperProgram { program: self.own_program()?, environment: self.environment() };
        let keep_alive = arguments.keep_alive;
        Ok(Keepers { program, holder, keep_alive, idle_stop: self.idle_stop()? })
    }

    fn idle_stop(&self) -> Result<Option<Duration>> {
        let Some(text) = self.env.text("PG_IDLE_STOP")? else { return Ok(None) };
        if text == "off" {
            return Ok(None);
        }
        let limit = duration("PG_IDLE_STOP", text)?;
        if limit.is_zero() {
            return Err(Error::conflict("PG_IDLE_STOP is zero")
                .hint("set a duration such as 30min, or off"));
        }
        Ok(Some(limit))
    }

    /// The program that runs.
    pub(in crate::cli) fn own_program(&self) -> Result<std::path::PathBuf> {
        std::env::current_exe().map_err(|error| {
            Error::unexpected(format!("the system does not tell the path of this program: {error}"))
        })
    }
}

/// A shell exports the variable, and programs that it starts may outlive it. So an ended process is
/// no error here.
fn holder_of_variable(text: &str) -> Result<Option<Holder>> {
    let pid = text.trim().parse().map_err(|_| {
        Error::conflict(format!("PG_LEASE is {}, which is no process id", beginning(text))).hint(
            "set it to `off`, or to the process that the server must not outlive: PG_LEASE=$$",
        )
    })?;
    let holder = Holder::of(pid).ok();
    if holder.is_none() {
        tracing::warn!("process {pid} of PG_LEASE has ended, so it gets no lease on the server");
    }
    Ok(holder)
}
