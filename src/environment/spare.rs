//! Starts the processes that make spares of templates.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::keeper::{KEEPER, KeeperProgram, nowhere};
use crate::cluster::{self, Wish};
use crate::sys::error::Result;
use crate::sys::process::{Command, ProcessId, inspect, yield_to_others};

/// The longest time that the process lets the command go first.
const LIMIT: Duration = Duration::from_secs(60);

impl KeeperProgram {
    /// Starts a process that makes the spare.
    pub fn make_spare(&self, wish: &Wish) -> Result<()> {
        let Some(us) = inspect(std::process::id()) else { return Ok(()) };
        let (uid, gid) = wish.owner;
        let numbers = [
            ("--uid", u64::from(uid)),
            ("--gid", u64::from(gid)),
            ("--pid", u64::from(us.pid)),
            ("--started", us.started),
        ];
        let mut arguments: Vec<OsString> = [KEEPER, "spare", "--template"].map(Into::into).into();
        arguments.push(wish.template.clone().into_os_string());
        for (name, number) in numbers {
            arguments.extend([name.into(), number.to_string().into()]);
        }
        Command::new(&self.program, &self.environment.for_server())
            .args(arguments)
            .directory(Path::new("/"))
            .serve(nowhere()?, &[])
            .map(drop)
    }
}

/// Makes the spare after the command that wishes it has ended.
pub fn make(wish: &Wish, after: ProcessId) -> Result<()> {
    yield_to_others();
    after.wait_for_end(LIMIT)?;
    cluster::make_spare(wish)
}
