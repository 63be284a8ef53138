//! The entry of a keeper: a process that db-tool starts for itself in the background.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use super::args::keeper::{Arguments, Place, Task};
use crate::cluster::{Layout, Wish};
use crate::environment::lease::Holder;
use crate::environment::{idle, keeper, spare};
use crate::sys::error::Result;
use crate::sys::process::ProcessId;

/// Whether db-tool itself has started this process, as a keeper.
pub(super) fn is_meant(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|word| word == keeper::KEEPER)
}

/// Works as a keeper. It catches no signals: one that ends it ends its lease.
pub(super) fn main(words: Vec<OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(words.into_iter().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return super::code(super::usage(&error)),
    };
    match keep(&arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        // standard error is the server's log
        Err(error) => super::code(super::tell(&error, super::LogFormat::Text)),
    }
}

fn keep(task: &Task) -> Result<()> {
    match task {
        Task::Lease { place, pid, started } => {
            let process = ProcessId { pid: *pid, started: *started };
            keeper::keep_lease(&layout(place), &Holder::remembered(process))
        }
        Task::Spare { template, uid, gid, pid, started } => {
            let wish = Wish { template: template.clone(), owner: (*uid, *gid) };
            spare::make(&wish, ProcessId { pid: *pid, started: *started })
        }
        Task::Idle { place, pid, started, limit } => {
            let server = ProcessId { pid: *pid, started: *started };
            idle::watch(&layout(place), server, Duration::from_millis(*limit))
        }
    }
}

fn layout(place: &Place) -> Layout {
    Layout::new(place.directory.clone(), Some(place.log_directory.clone()), place.owner)
}
