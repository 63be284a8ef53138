//! `cargo x`: all tasks of this repository in one program.
//!
//! This program depends on none of db-tool's code, so that it builds in seconds on a fresh machine
//! and can judge db-tool from outside.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's program: results on stdout, everything else on stderr"
)]

mod args;
mod bench;
mod check;
mod clients;
mod cron;
mod delay;
mod demo;
mod docs;
mod documents;
mod failure;
mod faketime;
mod nix;
mod pgtap;
mod place;
mod postgres;
mod program;
mod soak;
mod sshd;
mod test;
mod unpack;
mod wheel;

use std::process::ExitCode;
use std::time::Duration;

use args::Verb;
use failure::Result;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match args::parse(&words).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("{failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Help => print!("{}", args::USAGE),
        Verb::Demo => demo::run()?,
        Verb::Test(plan) => test::run(&plan)?,
        Verb::Check => check::run()?,
        Verb::Fix => check::fix()?,
        Verb::Fmt => check::format()?,
        Verb::Docs => docs::run()?,
        Verb::Nix => nix::run()?,
        Verb::Bench(plan) => bench::run(&plan)?,
        Verb::Delay { milliseconds, address } => {
            delay::run(Duration::from_millis(milliseconds), &address)?;
        }
        Verb::Soak(plan) => soak::run(&plan)?,
        Verb::Postgres { pg } => println!("{}", postgres::provide(pg)?.display()),
    }
    Ok(())
}
