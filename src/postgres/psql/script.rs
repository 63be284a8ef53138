//! Runs the project's SQL with psql.
//!
//! Sources use features that only psql has: `\i`, `\ir`, `\if`, variables, `\copy`, `\gexec`. psql
//! reads no start-up file and stops at the first error. Its messages are verbose, so that db-tool
//! can show the place of an error in the source. psql gets the connection and the password in its
//! environment. psql reports success when it has read a file to its end, so db-tool checks
//! afterwards whether a transaction was left open.

mod branches;
mod effect;
mod ending;
mod failures;
mod hints;
mod place;
mod review;
mod transaction;
mod variables;

use std::borrow::Cow;
use std::io::BufReader;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::postgres::psql::script::ending::{Ending, State};
pub use crate::postgres::psql::script::variables::BUILT_IN;
use place::Place;
use review::{PsqlReport, questions, review};

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::error::{Head, Severity, SqlError, StderrReader};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::process::{
    ActingAs, Command, Deadline, Links, Log, StandardOutput, controller, describe, read_line,
};

/// psql's exit status for a failed connection.
const BAD_CONNECTION: i32 = 2;

/// The bytes of a source that are held to find an error in it.
const HELD: usize = 2 * 1024 * 1024;

/// The target of log events with psql's messages, which are shown unchanged.
pub const PSQL: &str = "psql";

/// An SQL file, with the variables and the directory for its run.
#[derive(Debug, Clone)]
pub struct Script {
    /// The path of the file.
    pub file: PathBuf,
    /// The psql variables.
    pub variables: Vec<(String, String)>,
    /// The directory to which paths of `\i` and `\copy` are relative.
    pub directory: PathBuf,
    /// The file for results and messages. With `None`, results go to standard output and messages
    /// to the log.
    pub log: Option<PathBuf>,
}

/// Gives the files that a line of psql names other names.
pub type Rename<'a> = &'a dyn Fn(&str) -> Cow<'_, str>;

/// The run of a script whose output somebody watches.
pub struct Watched<'a> {
    /// The file that psql reads: the script, or a copy with the same lines.
    pub copy: &'a Path,
    /// Gives the copies in psql's messages the names of the files.
    pub rename: Rename<'a>,
    /// When psql is ended.
    pub deadline: Option<&'a Deadline>,
    /// Gets the lines of the results.
    pub on_output: &'a mut (dyn FnMut(&[u8]) + Send),
    /// Gets the lines of psql's messages.
    pub on_message: &'a mut dyn FnMut(&str),
}

impl Script {
    /// Runs the file. The error of a failed statement shows its place.
    pub fn run(&self, toolchain: &Toolchain, conninfo: &Conninfo) -> Result<()> {
        let Some(log) = &self.log else {
            let show = |line: &str| tracing::info!(target: PSQL, "{line}");
            return self.run_with(toolchain, conninfo, StandardOutput::Inherited, show);
        };
        let mut file = open_log(log)?;
        let output = StandardOutput::File(file.share().on("write", log)?);
        self.run_with(toolchain, conninfo, output, |line| file.line(line))
    }

    /// Runs the file and passes every line of its results to `on_output`.
    pub fn run_lines(
        &self,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        on_output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<()> {
        let show = |line: &str| tracing::info!(target: PSQL, "{line}");
        self.run_with(toolchain, conninfo, StandardOutput::Lines(on_output), show)
    }

    /// Runs a copy of the file, and says in errors what stands in the file itself.
    pub fn run_watched(
        &self,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        watched: Watched<'_>,
    ) -> Result<()> {
        let Watched { copy, rename, deadline, on_output, on_message } = watched;
        let psql = self.psql(toolchain, conninfo, copy)?.until(deadline);
        // a program that `\!` has left in the background holds psql's output open
        let psql = if deadline.is_some() { psql.in_a_group() } else { psql };
        self.follow(psql, StandardOutput::Lines(on_output), rename, on_message)
    }

    fn run_with(
        &self,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        output: StandardOutput<'_>,
        show: impl FnMut(&str),
    ) -> Result<()> {
        let psql = self.psql(toolchain, conninfo, &self.file)?;
        self.follow(psql, output, &|line| line.into(), show)
    }

    fn follow(
        &self,
        psql: Command,
        output: StandardOutput<'_>,
        rename: Rename<'_>,
        mut show: impl FnMut(&str),
    ) -> Result<()> {
        let mut reader = StderrReader::new();
        let mut ending = Ending::new(questions(self));
        let psql = psql.args(ending.arguments());
        let status = psql.stream(output, |line| {
            let line = String::from_utf8_lossy(line);
            let line = rename(&line);
            let Some(line) = ending.take_line(&line) else { return };
            reader.push_line(line).iter().filter_map(|line| terse(line)).for_each(|l| show(&l));
        })?;
        let errors = reader.ignored_errors();
        let (rest, failure) = reader.finish(!status.success());
        rest.iter().filter_map(|line| terse(line)).for_each(|line| show(&line));
        if status.success() || ending.is_restricted() {
            return self.judge(&ending, PsqlReport { answers: ending.answers(), errors });
        }
        let what = format!("cannot run {}", self.file.display());
        Err(match failure {
            Some(failure) => {
                let located =
                    failure.locate(|path, lines| read_lines(&self.directory.join(path), lines));
                located.into_error(&what)
            }
            None => Error::new(Kind::Sql, format!("{what}: psql {}", describe(status))),
        })
        .map_err(|error| match status.code() {
            Some(BAD_CONNECTION) => error.hint("is the cluster running? `database status` tells"),
            _ => error,
        })
    }

    /// Checks the transactions of a file that psql read to its end.
    fn judge(&self, ending: &Ending, report: PsqlReport) -> Result<()> {
        let state = ending.state();
        let found = review(self, state != State::Idle, report);
        for (Place { file, line }, what) in &found.warnings {
            tracing::warn!("{}:{line}: {what}", file.display());
        }
        if !ending.is_restricted() && !ending.stops() && found.warnings.is_empty() {
            tracing::warn!("{}: ON_ERROR_STOP is off at its end", self.file.display());
        }
        if let Some((place, why)) = found.lost {
            return Err(self.error(&why, Some(place)));
        }
        let (why, place) = match state {
            _ if ending.is_restricted() => {
                ("no \\unrestrict follows \\restrict: is the file cut off?", found.restricted)
            }
            State::Idle => return Ok(()),
            State::Open => {
                ("a transaction is still open at the end, so it was rolled back", found.opened)
            }
            State::Failed => (
                "a transaction that failed is still open at the end, so it was rolled back",
                found.opened,
            ),
            State::Silent => ("psql was not connected at the end, or within a pipeline", None),
        };
        Err(self.error(why, place))
    }

    fn error(&self, why: &str, place: Option<Place>) -> Error {
        let what = format!("cannot run {}", self.file.display());
        let Some(Place { file, line }) = place else {
            return Error::new(Kind::Sql, format!("{what}: {why}"));
        };
        let read = |lines| read_lines(&file, lines).unwrap_or_default();
        SqlError::at_line(why, &file, line, read).into_error(&what)
    }

    fn psql(&self, toolchain: &Toolchain, conninfo: &Conninfo, file: &Path) -> Result<Command> {
        let mut command = strict(toolchain, conninfo)?.directory(&self.directory);
        for (name, value) in &self.variables {
            command = command.arg("-v").arg(format!("{name}={value}"));
        }
        Ok(command.arg("-f").arg(file))
    }
}

/// psql for a script: without a start-up file, with a stop at the first error, and with messages
/// that db-tool can parse.
pub(in crate::postgres) fn strict(toolchain: &Toolchain, conninfo: &Conninfo) -> Result<Command> {
    if conninfo.is_version_unknown() {
        // ignore an error here: psql fails with the same error and reports it
        let _ = Session::connect(conninfo);
    }
    let psql = toolchain.command("psql")?.envs(conninfo.variables_without_timeouts());
    Ok(psql
        .args(["-X", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"])
        .args(["-v", "SHOW_CONTEXT=always", "-v", "ECHO=errors", "-P", "pager=off"])
        .env("PGCLIENTENCODING", "UTF8")
        .env("PG_COLOR", "never"))
}

/// psql for a connection. All parameters of the connection are in the environment.
pub fn psql(toolchain: &Toolchain, conninfo: &Conninfo) -> Result<Command> {
    Ok(toolchain.command("psql")?.envs(conninfo.variables()))
}

/// Reads some lines of a source. Holds neither the complete file nor other lines: a file may be one
/// line of a hundred megabytes. If the lines are too large together, the first ones are returned
/// empty.
pub(in crate::postgres) fn read_lines(
    path: &Path,
    lines: RangeInclusive<usize>,
) -> Option<Vec<String>> {
    let mut reader = BufReader::new(crate::sys::process::open_regular(path).ok()?);
    let mut line = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    let (mut held, mut oldest) = (0, 0);
    for number in 1..=*lines.end() {
        if !read_line(&mut reader, &mut line).ok()? {
            break;
        }
        if number < *lines.start() {
            continue;
        }
        held += line.len();
        kept.push(String::from_utf8_lossy(&line).into_owned());
        while held > HELD && oldest + 1 < kept.len() {
            held -= std::mem::take(&mut kept[oldest]).len();
            oldest += 1;
        }
    }
    Some(kept)
}

fn open_log(path: &Path) -> Result<Log> {
    let user = controller(path)?;
    // if another user controls the path, root takes that user's rights and follows no link
    let links = if user.is_some() { Links::Refuse } else { Links::Follow };
    let _acting = ActingAs::enter(user.as_ref())?;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).on("create", directory)?;
    }
    Log::open(path, links)?.on("write", path).map_err(|error| match &user {
        Some(user) => error.hint(format!(
            "user \"{}\" controls the path, so root writes as that user and follows no link",
            user.name
        )),
        None => error,
    })
}

/// Removes the parts of a message that only errors need: the SQLSTATE of success, and the place in
/// the server's source code.
pub(in crate::postgres) fn terse(line: &str) -> Option<String> {
    if line.starts_with("LOCATION:  ") {
        return None;
    }
    // a message begins the line or follows the blank of psql's prefix
    let starts = line.match_indices(": ").map(|(at, _)| at + 2);
    for start in std::iter::once(0).chain(starts) {
        if let Some(head) = Head::parse(&line[start..])
            && head.severity == Severity::Message
            && head.sqlstate.is_some()
        {
            return Some(format!("{}{}:  {}", &line[..start], head.word, head.message));
        }
    }
    Some(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_lose_what_only_errors_need() {
        let notice = "psql:a.sql:1: NOTICE:  00000: table \"x\" does not exist, skipping";
        let expected = "psql:a.sql:1: NOTICE:  table \"x\" does not exist, skipping";
        assert_eq!(terse(notice).as_deref(), Some(expected));
        assert_eq!(terse("LOCATION:  DropErrorMsg, dropcmds.c:500"), None);
        assert_eq!(terse("NOTICE:  plain: text").as_deref(), Some("NOTICE:  plain: text"));
    }
}
