//! Savers: processes in the background that put states of private clusters into the cache.
//!
//! Saving a state takes about as long as building it: the server has to stop, and a thousand files
//! become a template. Nobody should wait for that. So a command leaves its private cluster, as it is
//! and running, to a saver, which is another process of the same program with the same arguments. The
//! saver inherits the locks of the command. If it is killed, the system releases them, and the next
//! command removes the cluster.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::keeper::nowhere;
use crate::cluster::State;
use crate::sys::error::{Error, Result};
use crate::sys::process::{Command, Environment};

/// The option that tells a program its job as a saver.
pub const OPTION: &str = "--save-states";

/// The program that savers run, which is the caller's own.
#[derive(Debug, Clone)]
pub struct SaverProgram {
    /// The path of the program.
    pub program: PathBuf,
    /// The arguments of the command.
    pub arguments: Vec<OsString>,
    /// The environment.
    pub environment: Environment,
}

/// The work of a saver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The cluster that it takes over.
    pub cluster: Option<Bequest>,
    /// An earlier state, which the saver builds again because the cluster has gone beyond it.
    pub earlier: Option<State>,
}

/// A private cluster for a saver, with the state that it has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bequest {
    /// The directory of the cluster.
    pub directory: PathBuf,
    /// Its entry in the registry.
    pub entry: PathBuf,
    /// The state.
    pub state: State,
}

impl SaverProgram {
    /// Starts a saver, which inherits `locks`.
    pub fn start(&self, job: &Job, locks: &[&File]) -> Result<()> {
        let job = serde_json::to_string(job)
            .map_err(|error| Error::unexpected(format!("cannot describe the work: {error}")))?;
        Command::new(&self.program, &self.environment)
            .args(&self.arguments)
            .args([OPTION, &job])
            .serve(nowhere()?, locks)
            .map(drop)
    }
}
