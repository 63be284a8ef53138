//! The only room that talks to people: it parses arguments, resolves settings once, prints, and
//! returns an exit code.
//!
//! The `main` of each program calls one function here. That function installs the signal handlers,
//! parses the arguments, runs the verb and prints its outcome. If a signal came meanwhile, it
//! raises the signal again at the very end, after all clean-up.

pub mod args;
pub mod cluster;
pub mod config;
pub mod database;
mod duration;
pub mod env;
pub mod exit;
mod guard;
mod keeper;
pub mod migrator;
pub mod output;
mod path;
mod prompt;
mod resolve;
mod trust;

use std::ffi::OsString;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser;
use clap::error::{ContextKind, ContextValue};

pub use database::share::programs;

use crate::sys::error::{Error, Kind, Result};
use crate::sys::{later, signal};
use exit::ExitCode;
use output::ui::{LogFormat, Voice};

/// The `database` program.
pub fn database() -> std::process::ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if keeper::is_meant(&words) {
        return keeper::main(words);
    }
    if args::words::from_database(&words).is_some() {
        return migrator();
    }
    run(database::execute, args::database::Arguments::voice, args::words::for_psql)
}

/// The `postgres-init` program.
pub fn postgres_init() -> std::process::ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if keeper::is_meant(&words) {
        return keeper::main(words);
    }
    run(cluster::init::execute, args::init::Arguments::voice, |arguments| arguments)
}

/// The `postgres-cleanup` program.
pub fn postgres_cleanup() -> std::process::ExitCode {
    run(cluster::cleanup::execute, args::cleanup::Arguments::voice, |arguments| arguments)
}

/// The `migrator` program, also as `database migrator`.
pub fn migrator() -> std::process::ExitCode {
    run(migrator::execute, args::migrator::Arguments::voice, |words| {
        args::words::complete_wait(args::words::from_database(&words).unwrap_or(words))
    })
}

/// The longest time that a command spends at its end on what dead commands have left.
const SWEEP_LIMIT: std::time::Duration = std::time::Duration::from_millis(50);

fn run<A: Parser>(
    execute: fn(A) -> Result<()>,
    voice: fn(&A) -> Voice,
    prepare: fn(Vec<OsString>) -> Vec<OsString>,
) -> std::process::ExitCode {
    let caught = signal::install();
    let arguments = match A::try_parse_from(prepare(std::env::args_os().collect())) {
        Ok(arguments) => arguments,
        Err(error) => return code(usage(&error)),
    };
    let voice = voice(&arguments);
    crate::cli::output::ui::install(voice);
    let outcome = catch_unwind(AssertUnwindSafe(|| caught.and_then(|()| execute(arguments))));
    let resolve = resolve::Resolve::of_process();
    resolve.collector().sweep(std::time::Instant::now() + SWEEP_LIMIT);
    resolve.make_spares();
    let outcome = outcome.unwrap_or_else(|_| {
        Err(Error::unexpected(
            "db-tool itself failed; it has removed everything that it had started",
        )
        .hint("please report this with the message above"))
    });
    let code = match outcome.map_err(|error| (error.kind(), error)) {
        Ok(()) => code(ExitCode::Success),
        Err((Kind::Ended(status), _)) => {
            std::process::ExitCode::from(u8::try_from(status).unwrap_or(1))
        }
        Err((_, error)) => code(tell(&error, voice.format)),
    };
    later::finish();
    code
}

fn tell(error: &Error, format: LogFormat) -> ExitCode {
    if let Kind::Told(code) = error.kind() {
        return exit::of_number(code);
    }
    let code = ExitCode::from(error.kind());
    crate::cli::output::ui::error(error, code as i32, format);
    if let Kind::Interrupted(signal) = error.kind() {
        later::finish();
        signal::raise_again(signal);
    }
    code
}

/// Prints help and version to standard output, and errors to standard error.
fn usage(error: &clap::Error) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(message) = args::migrator::ambiguity(error, &words) {
        let error = Error::conflict(message).hint("give one command at a time");
        let json = wants_json(words.into_iter());
        return tell(&error, if json { LogFormat::Json } else { LogFormat::Text });
    }
    let code = exit::of_clap(error);
    let wants_json = wants_json(std::env::args_os());
    if code == ExitCode::NotFound && !wants_json {
        let text = with_command(&error.render().ansi().to_string(), error);
        let _ = write!(anstream::stderr(), "{text}");
        return code;
    }
    if code == ExitCode::Success || !wants_json {
        let _ = error.print();
        return code;
    }
    let text = with_command(&error.render().to_string(), error);
    let (what, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let what = what.strip_prefix("error: ").unwrap_or(what);
    crate::cli::output::ui::error(
        &Error::failed(what).detail(rest.trim()),
        code as i32,
        LogFormat::Json,
    );
    code
}

/// Names the command that does not know an argument, in the first line of the error. The error's usage
/// begins with this command: `Usage: database deploy [OPTIONS]`.
fn with_command(text: &str, error: &clap::Error) -> String {
    let Some((first, rest)) = text.split_once('\n') else { return text.to_owned() };
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return text.to_owned();
    };
    let usage = usage.to_string();
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let command: Vec<&str> =
        words.take_while(|word| !word.starts_with(['[', '<', '-', '('])).collect();
    if exit::of_clap(error) != ExitCode::NotFound || command.is_empty() {
        return text.to_owned();
    }
    let first = first.strip_suffix(" found").unwrap_or(first);
    format!("{first} in `{}`\n{rest}", command.join(" "))
}

/// Looks for `--log-format json` in arguments that cannot be parsed.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = arguments.collect();
    words.iter().any(|word| word == "--log-format=json")
        || words.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
}

fn code(code: ExitCode) -> std::process::ExitCode {
    std::process::ExitCode::from(u8::try_from(code as i32).unwrap_or(1))
}

/// Describes the variables and exit codes, for the end of a program's long help.
fn variables_help() -> String {
    let mut help = String::from("Environment variables (also read from $LOCAL_DIR/.env):\n");
    for variable in env::TABLE {
        help.push_str(&format!(
            "  {} [default: {}]\n      {}\n",
            variable.name, variable.default, variable.meaning
        ));
    }
    help.push_str("\nExit codes:\n");
    for (code, meaning) in exit::TABLE {
        help.push_str(&format!("  {:>3}  {meaning}\n", code as i32));
    }
    help.replace('`', "")
}
