//! `cargo x soak`: commands drawn at random, four at once, while random processes are killed.
//!
//! Each worker has a project whose cluster must not lose an acknowledged row, and another one for
//! the commands that replace data. All share a cache and a temporary directory, as on a machine that
//! people work on. A command that nobody disturbed must succeed, also after the kills before it. At
//! the end nothing may be left: no process, no shared memory, no socket, no file.

mod isolation;
mod judge;
mod kill;
mod left;
mod process;
mod project;
mod random;
mod run;
mod tally;
mod verb;
mod worker;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Result};
use crate::{place, postgres, program};
use left::Machine;
pub(crate) use process::{Process, all};
use project::Ground;
pub(crate) use run::wait_until;
use tally::Tally;
use worker::Worker;

/// The number of workers.
const WORKERS: usize = 4;

/// The arguments of `soak`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SoakPlan {
    /// The number of commands of all workers.
    pub(crate) runs: usize,
    /// The start of the random numbers. By default, the clock tells it.
    pub(crate) seed: Option<u64>,
    /// The major version of PostgreSQL.
    pub(crate) pg: Option<u32>,
    pub(crate) isolation: Isolation,
}

/// Whether a soak runs in namespaces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// It works beside the other processes of the machine.
    No,
    /// It is to get namespaces if the machine allows that.
    Wanted,
    /// It is in them.
    Inside,
}

/// Builds the programs and soaks them.
pub(crate) fn run(plan: &SoakPlan) -> Result<()> {
    if !Path::new("/proc/self/stat").exists() {
        eprintln!("left out: the soak finds processes in /proc, which only Linux has");
        return Ok(());
    }
    if plan.isolation == Isolation::Wanted {
        return isolation::run(plan);
    }
    let bindir = postgres::provide(plan.pg)?;
    program::run_aside(program::cargo().args(["build", "--package", "db-tool", "--bins"]))?;
    soak(plan, Ground::new(place::target().join("debug"), bindir)?)
}

fn soak(plan: &SoakPlan, ground: Ground) -> Result<()> {
    let seed = plan.seed.unwrap_or_else(clock);
    eprintln!("soak: {} runs, seed {seed}, in {}", plan.runs, ground.path().display());
    let (before, started) = (Machine::now(), Instant::now());
    let done = work(plan.runs, seed, &ground).and_then(|tally| {
        println!("{}", tally.summary(seed, started.elapsed()));
        collect(&ground)?;
        let left = left::left(&ground, &before, &tally.sockets);
        match left.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(format!("left on the machine:\n{}", left.join("\n")))),
        }
    });
    match done {
        Ok(()) => {
            println!("left:  nothing");
            Ok(())
        }
        Err(failure) => {
            let logs = place::target().join("soak");
            ground.save_logs(&logs)?;
            let mut failure = failure.hint(&format!("logs:  {}", logs.display()));
            // memory of its own goes with the namespace
            if plan.isolation != Isolation::Inside {
                failure = failure.hint(&format!("kept:  {}", ground.path().display()));
                ground.keep();
            }
            Err(failure.hint(&format!("again: cargo x soak -n {} --seed {seed}", plan.runs)))
        }
    }
}

/// Runs the workers.
fn work(runs: usize, seed: u64, ground: &Ground) -> Result<Tally> {
    let stop = AtomicBool::new(false);
    let shares = (0..WORKERS).map(|number| (runs + number) / WORKERS);
    let ended: Vec<Result<Tally>> = std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .enumerate()
            .map(|(number, runs)| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut worker = Worker::new(ground, number, seed)?;
                    worker.work(runs, stop)?;
                    worker.finish()?;
                    Ok(worker.tally)
                })
            })
            .collect();
        let panicked = |_| Err(Failure::new("a worker panicked"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(panicked)).collect()
    });
    let mut all = Tally::default();
    for tally in ended {
        all.add(tally?);
    }
    Ok(all)
}

/// Lets `database gc` remove what dead commands have left.
fn collect(ground: &Ground) -> Result<()> {
    let project = ground.project(0, "kept")?;
    program::run_quietly(ground.tool(&project, "database").arg("gc"))
}

/// A seed that differs from run to run.
fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() % 1_000_000
}
