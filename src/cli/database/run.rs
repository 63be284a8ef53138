//! `database run`: runs a command with the development cluster.
//!
//! The command replaces this process, so that it has the terminal, gets the signals and gives its
//! exit status without an interpreter. This process holds the lease. So the server stops when the
//! command ends, however it ends. A second process of db-tool starts the server, because the server
//! would otherwise be a child of the command, and some programs wait for all of their children.
//!
//! With `--clone`, this process stays, because it drops the clone at the end. It owns the clone: if
//! it is killed, the next command drops the clone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use super::clone;
use crate::cli::args::clone::{CloneParts, RunArguments};
use crate::cli::output::export::{self, Format};
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::content::clones::Clones;
use crate::environment::clone::{CloneDatabase, CloneOptions, Owner};
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Command, Environment, StandardOutput, shell_status};

/// Returns only if the command cannot be started, or has a clone and has ended.
pub(super) fn run(resolve: &Resolve, flags: &RunArguments) -> Result<Error> {
    let ttl = clone::ttl(flags.ttl.as_deref())?.unwrap_or(clone::TTL);
    let mut environment = Environment::unscrubbed(resolve.env.all());
    let variables = provide(resolve, flags.keep_alive, &environment)?;
    for (name, value) in &variables {
        environment.set(name, value);
    }
    if !flags.clone {
        return Ok(command(&flags.command, &environment)?.replace_process());
    }
    let run = CloneRun { flags, ttl, variables };
    run.run(resolve, environment)
}

fn command(words: &[OsString], environment: &Environment) -> Result<Command> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Error::missing("no command is named").hint("database run -- COMMAND"));
    };
    let path = environment.get("PATH").unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let found = which::which_in(program, Some(path), here).map_err(|_| {
        let name = program.display();
        Error::unexpected(format!("there is no program {name}")).with_kind(Kind::ProgramMissing)
    })?;
    Ok(Command::new(found, environment).args(arguments))
}

/// A run of a command with a clone.
struct CloneRun<'a> {
    flags: &'a RunArguments,
    /// The time for which the clone of a failed command stays.
    ttl: Duration,
    /// The variables of the project's own database.
    variables: Vec<(String, String)>,
}

impl CloneRun<'_> {
    fn run(&self, resolve: &Resolve, mut environment: Environment) -> Result<Error> {
        // before a clone is made for it
        command(&self.flags.command, &environment)?;
        let development = clone::development(resolve)?;
        let parts = CloneParts { patch: self.flags.patch, mock: false };
        let clones = Clones::open(development, clone::content(resolve, parts)?)?;
        let template = clones.prepare()?;
        let options = CloneOptions { owner: Some(Owner::ourselves()?), ..CloneOptions::default() };
        let made = clones.clone_of(&template, &options)?;
        let own =
            |name: &str| environment.get(name).map(|value| (name.to_owned(), value.to_owned()));
        let named = own("DB_URL").and_then(|(name, value)| Some((name, value.into_string().ok()?)));
        for (name, value) in self.variables.iter().cloned().chain(named) {
            if let Some(value) = export::in_database(&name, &value, &made.name) {
                environment.set(&name, value);
            }
        }
        environment.set(export::TEMPLATE, &template.name);
        let ended = command(&self.flags.command, &environment).and_then(Command::attend);
        let failed = ended.as_ref().map_or(true, |status| !status.success());
        self.end(&clones, &made, failed && self.flags.keep_failed)?;
        let status = shell_status(ended?);
        Ok(Error::new(Kind::Ended(status), "the command has ended"))
    }

    fn end(&self, clones: &Clones, made: &CloneDatabase, keep: bool) -> Result<()> {
        if !keep {
            return clones.source().drop_own(&made.name);
        }
        clones.source().keep_own(&made.name, self.ttl)?;
        ui::status(&format!("the clone stays: {}", made.url.to_url()));
        Ok(())
    }
}

/// Starts the cluster in a second process, and returns the variables of its connection.
fn provide(
    resolve: &Resolve,
    keep_alive: bool,
    environment: &Environment,
) -> Result<Vec<(String, String)>> {
    let own = std::process::id().to_string();
    let mut command = Command::new(resolve.own_program()?, environment).arg("init");
    command = match keep_alive {
        true => command.arg("--keep-alive"),
        false => command.args(["--lease", &own]),
    };
    if let Some(url) = &resolve.url {
        command = command.env("DB_URL", url); // an argument would show its password to everybody
    }
    let mut json = Vec::new();
    let status = command.args(["--export", "json"]).stream(
        StandardOutput::Lines(&mut |line| json.extend_from_slice(line)),
        |line| {
            let _ = std::io::stderr().write_all(&[line, b"\n"].concat());
        },
    )?;
    if !status.success() {
        return Err(Error::told(status.code().unwrap_or(1)));
    }
    let variables: BTreeMap<String, String> = serde_json::from_slice(&json)
        .map_err(|_| Error::unexpected(format!("`init --export` printed no {:?}", Format::Json)))?;
    Ok(variables.into_iter().collect())
}
