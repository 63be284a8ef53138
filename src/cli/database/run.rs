//! `database run`: runs a command with the development cluster.
//!
//! The command replaces this process, so that it has the terminal, gets the signals and gives its
//! exit status without an interpreter. This process holds the lease. So the server stops when the
//! command ends, however it ends. A second process of db-tool starts the server, because the server
//! would otherwise be a child of the command, and some programs wait for all of their children.

use std::ffi::OsString;
use std::io::Write;

use crate::cli::output::export::Format;
use crate::cli::resolve::Resolve;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Command, Environment, StandardOutput};

/// Returns only if the command cannot be started.
pub(super) fn run(resolve: &Resolve, keep_alive: bool, command: &[OsString]) -> Result<Error> {
    let mut environment = Environment::unscrubbed(resolve.env.all());
    for (name, value) in provide(resolve, keep_alive, &environment)? {
        environment.set(&name, value);
    }
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::missing("no command is named").hint("database run -- COMMAND"));
    };
    let path = environment.get("PATH").unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let found = which::which_in(program, Some(path), here).map_err(|_| {
        let name = program.display();
        Error::unexpected(format!("there is no program {name}")).with_kind(Kind::ProgramMissing)
    })?;
    Ok(Command::new(found, &environment).args(arguments).replace_process())
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
    let variables: std::collections::BTreeMap<String, String> = serde_json::from_slice(&json)
        .map_err(|_| Error::unexpected(format!("`init --export` printed no {:?}", Format::Json)))?;
    Ok(variables.into_iter().collect())
}
