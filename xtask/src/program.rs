//! Starts programs: shows their command lines, and judges them by their exit status.

#![expect(clippy::disallowed_methods, reason = "the ban keeps the tool's one process boundary")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use crate::failure::{Failure, Result};
use crate::place;

/// Variables that `cargo run` sets for us. Build scripts watch some of them. A nested cargo that
/// saw them would rebuild the dependencies whenever somebody calls it in another way.
const FROM_CARGO_RUN: [&str; 6] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "OUT_DIR",
];

/// Variables that would make db-tool use another project than the sample.
const PROJECT_VARIABLES: [&str; 10] = [
    "DATABASE_",
    "DB_URL",
    "ENVIRONMENT",
    "HECTIC_",
    "HYDRATE_",
    "MIGRATION_DIR",
    "PATCH_",
    "PG",
    "PROFILE_DIR",
    "STAGING_",
];

/// A program with the repository as its working directory.
pub(crate) fn new(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(place::root()).stdin(Stdio::null());
    command
}

/// The cargo that runs us, as if a user called it directly.
pub(crate) fn cargo() -> Command {
    let mut command = new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    remove_variables(&mut command, &FROM_CARGO_RUN);
    command
}

/// `program` without the caller's project and PostgreSQL variables.
pub(crate) fn outside_any_project(program: &Path) -> Command {
    let mut command = new(program);
    remove_variables(&mut command, &PROJECT_VARIABLES);
    command
}

/// Takes every variable away whose name starts with one of `prefixes`.
fn remove_variables(command: &mut Command, prefixes: &[&str]) {
    for (name, _) in std::env::vars_os() {
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
}

/// Shows the command and runs it with our output. Fails if the command fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", line(command));
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("failed ({status}): {}", line(command))))
}

/// The line after the last one: no program prints it.
const END: &[u8] = b"\0\n";

/// Shows the command, runs it and hands on every line that it prints, on stdout or stderr. It does
/// not wait for processes that the command leaves running, even if they still print.
pub(crate) fn run_by_line(
    command: &mut Command,
    mut on_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    eprintln!("$ {}", line(command));
    let cannot = |error| Failure::new(format!("cannot read what a program prints: {error}"));
    let (reader, mut writer) = std::io::pipe().map_err(cannot)?;
    command.stdout(writer.try_clone().map_err(cannot)?).stderr(writer.try_clone().map_err(cannot)?);
    let mut child = command.spawn().map_err(|error| cannot_start(command, &error))?;
    let ended = std::thread::spawn(move || {
        let status = child.wait();
        writer.write_all(END).and(status)
    });
    let (mut reader, mut line) = (BufReader::new(reader), Vec::new());
    while reader.read_until(b'\n', &mut line).map_err(cannot)? > 0 {
        let last = line.ends_with(END);
        let text = line.strip_suffix(if last { END } else { b"\n" }).unwrap_or(&line);
        if !(last && text.is_empty()) {
            on_line(&String::from_utf8_lossy(text));
        }
        if last {
            break;
        }
        line.clear();
    }
    ended.join().map_err(|_| Failure::new("a thread panicked"))?.map_err(cannot)
}

/// Like [`run`], but the command's stdout goes to our stderr, because our own stdout is for
/// results.
pub(crate) fn run_aside(command: &mut Command) -> Result<()> {
    run(command.stdout(std::io::stderr()))
}

/// Runs the command silently. The failure includes its output.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// The standard output of the command.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&succeed(command)?.stdout).into_owned())
}

/// The standard error of a command that succeeded.
pub(crate) fn remarks(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&succeed(command)?.stderr).into_owned())
}

fn succeed(command: &mut Command) -> Result<Output> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("failed ({}): {}\n{said}", output.status, line(command))))
}

/// Whether the command starts and succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The error for a program that did not start.
pub(crate) fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    let name = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => Failure::not_installed(format!("`{name}` is not installed")),
        _ => Failure::new(format!("cannot start `{name}`: {error}")),
    }
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// `text` as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_survives_the_shell() {
        for text in ["plain", "two words", "it's", "", "$HOME"] {
            let script = format!("printf %s {}", quoted(text));
            assert_eq!(output(new("sh").args(["-c", &script])).unwrap(), text);
        }
    }

    #[test]
    fn lines_of_both_streams_arrive_in_order() {
        let script = "sleep 300 & echo $!; echo a; echo b >&2; printf c; exit 3";
        let mut lines: Vec<String> = Vec::new();
        let status =
            run_by_line(new("sh").args(["-c", script]), |text| lines.push(text.to_owned()));
        assert!(succeeds(new("kill").arg(lines.remove(0))), "it is not waited for");
        assert_eq!((status.unwrap().code(), lines.join(" ")), (Some(3), "a b c".to_owned()));
    }

    #[test]
    fn a_failure_carries_what_the_program_said() {
        let failure = output(new("sh").args(["-c", "echo oh no >&2; exit 3"])).unwrap_err();
        assert!(failure.to_string().contains("oh no"), "{failure}");
        assert_eq!(output(&mut new("no-such-program")).unwrap_err().code(), 127);
    }
}
