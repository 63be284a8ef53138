//! The ends that a command may have.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use super::kill::Victim;
use super::run::Outcome;
use super::verb::{State, Verb};
use crate::failure::{Failure, Result};

/// Fails if the command has ended in a way that what happened to it, or before it, does not explain.
pub(super) fn judge(verb: &Verb, state: State, outcome: &Outcome) -> Result<()> {
    let (code, signal) = (outcome.status.code(), outcome.status.signal());
    let allowed = allowed(verb, outcome.hit);
    // what it says of a server that takes long to recover
    let is_told = verb.words.contains(&"status") && outcome.output.contains("SQLSTATE: 57P03");
    // the session of a killed command ends with its statement
    let is_busy = state == State::Unknown && outcome.output.contains("other session works");
    let is_killed = signal == Some(Signal::SIGKILL as i32);
    if code
        .is_some_and(|code| allowed.contains(&code) || is_told && code == 1 || is_busy && code == 2)
        || is_killed && may_die(verb, outcome.hit)
    {
        return Ok(());
    }
    let after = outcome.hit.map(|victim| format!(" after the {} was killed", victim.name()));
    let (end, after) = (outcome.end(), after.unwrap_or_default());
    Err(Failure::new(format!("{} ended with {end}{after}", verb.words.join(" "))))
}

/// The exit codes that a command may have.
fn allowed(verb: &Verb, hit: Option<Victim>) -> Vec<i32> {
    // a killed clean-up may have removed the cluster that the next one would remove
    if verb.words.contains(&"cleanup") {
        return if hit.is_none() { vec![0, 2] } else { vec![0, 1, 2] };
    }
    let is_psql = verb.words.contains(&"psql");
    let is_clone = verb.words.iter().any(|word| word.ends_with("clone"));
    match hit {
        // it may have ended just before the kill
        None | Some(Victim::Tool) => vec![0],
        // psql ends with 2 when it has lost the server
        Some(victim) if is_psql && victim.is_of_a_server() => vec![0, 1, 2],
        // the server has ended before the command looked for it
        Some(victim) if is_clone && victim.is_of_a_server() => vec![0, 1, 2],
        // 1 would be a difference
        Some(_) if verb.words.contains(&"diff") => vec![0, 4, 13],
        Some(_) if verb.words.contains(&"migrator") => vec![0, 1, 4],
        Some(_) => vec![0, 1],
    }
}

/// Whether the command itself may have been killed: `database psql` becomes psql.
fn may_die(verb: &Verb, hit: Option<Victim>) -> bool {
    hit == Some(Victim::Tool) || hit == Some(Victim::Psql) && verb.words.contains(&"psql")
}
