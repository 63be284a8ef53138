//! A soak in namespaces of its own: it sees no process and no shared memory of others, and its own
//! end with it.

use std::ffi::OsString;
use std::process::Command;

use super::SoakPlan;
use crate::failure::{Failure, Result};
use crate::{place, program};

/// The namespaces: processes with their `/proc`, shared memory, mounts.
const UNSHARE: [&str; 6] = ["unshare", "--pid", "--fork", "--mount-proc", "--ipc", "--mount"];
/// What runs in the namespaces. The shell does not become the program, because it has to wait for
/// the processes that their parents leave behind.
const SCRIPT: &str = "mount -t tmpfs none /dev/shm && \"$@\"; exit $?";

/// Starts this program again, in namespaces if the machine allows that.
pub(super) fn run(plan: &SoakPlan) -> Result<()> {
    let own = std::env::current_exe();
    let own = own.map_err(|error| Failure::new(format!("cannot find this program: {error}")))?;
    let mut command = if place::is_root() && program::succeeds(&mut isolated("true".into())) {
        let mut command = isolated(own.into());
        command.arg("soak").arg("--inside");
        command
    } else {
        eprintln!("The soak runs without namespaces of its own: only root can make them.");
        let mut command = program::new(own);
        command.arg("soak");
        command
    };
    command.args(["-n", &plan.runs.to_string()]);
    command.args(plan.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
    command.args(plan.pg.iter().flat_map(|pg| ["--pg".to_owned(), pg.to_string()]));
    program::run(&mut command).map_err(|_| Failure::told())
}

/// `program` in namespaces of its own, with memory of its own in `/dev/shm`.
fn isolated(name: OsString) -> Command {
    let [unshare, options @ ..] = UNSHARE;
    let mut command = program::new(unshare);
    command.args(options).args(["sh", "-c", SCRIPT, "sh"]).arg(name);
    command
}
