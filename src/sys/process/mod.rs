//! The only module that starts programs.
//!
//! Every child gets an environment that db-tool chooses: the environment that `cli` captured,
//! without libpq's variables and those of secrets. So no variable that the caller exports can
//! change the work of a program.
//!
//! While db-tool waits for a child, it passes signals on to the child; and the child ends if
//! db-tool is killed. A server starts in a session of its own, without db-tool's terminal, pipes or
//! descriptors.
//!
//! The error of a failed program holds its argument list, its exit status or signal, and its last
//! lines of output.

mod acting;
mod attend;
mod dialogue;
mod end;
mod environment;
mod handle;
mod inherited;
mod input;
mod inspect;
mod job;
mod lines;
mod listener;
mod lock;
mod memory;
mod orphan;
mod output;
mod priority;
mod segment;
mod server;
mod user;
mod waiting;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufReader, PipeReader, PipeWriter, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

pub use acting::{ActingAs, controller, require_own_way};
pub use attend::shell_status;
pub use dialogue::{Dialogue, Line};
pub use end::ProcessId;
pub use environment::Environment;
pub use handle::Handle;
pub use input::{
    open_directory, open_regular, read, read_regular, read_stream, read_text, wait_readable,
};
pub use inspect::{
    FileId, ProcessInfo, holding, host_name, inspect, open_files, pid_namespace, title, working_in,
    working_in_deleted,
};
pub use job::Job;
pub use lines::read_line;
pub use listener::listener;
pub use lock::{lock, say_that_we_wait, still_held};
pub use memory::{available_memory, memory_limit};
pub use output::{Links, Log};
pub use priority::yield_to_others;
pub use segment::remove_shared_memory;
pub use server::Server;
pub use user::OsUser;
pub use waiting::{Deadline, Patience, wait_for};

use crate::sys::error::{Error, Kind, Result};
use crate::sys::{later, signal};

/// The directory in which Linux shows the open files of this process.
const OPEN_FILES: &str = "/proc/self/fd";

/// The bytes of a failed program's output that an error keeps.
const TAIL_BYTES: usize = 4096;

/// A program to run: absolute path, arguments, environment, user.
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Environment,
    directory: Option<PathBuf>,
    user: Option<OsUser>,
    leads_a_group: bool,
    ends_with_us: bool,
    deadline: Option<Deadline>,
}

/// The destination of a streamed program's standard output.
pub enum StandardOutput<'a> {
    /// db-tool's own standard output.
    Inherited,
    /// A file.
    File(File),
    /// This function, which gets the output line by line; lines are cut at `lines::LINE_LIMIT`.
    Lines(&'a mut (dyn FnMut(&[u8]) + Send)),
}

impl Command {
    /// A command that runs `program` without arguments, with a copy of `environment`.
    pub fn new(program: impl Into<PathBuf>, environment: &Environment) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: environment.clone(),
            directory: None,
            user: None,
            leads_a_group: false,
            ends_with_us: false,
            deadline: None,
        }
    }

    /// A command line that a user wrote into a variable, such as `EDITOR='code --wait'`, with
    /// `file` as its last argument. `sh` splits it into words.
    pub fn on_file(line: impl AsRef<OsStr>, file: &Path, environment: &Environment) -> Self {
        Self::new("/bin/sh", environment)
            .args(["-c", "eval \"$1 \\\"\\$2\\\"\"", "sh"])
            .arg(line)
            .arg(file)
    }

    /// Adds one argument. It must not be a secret: all users can see argument lists.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the child's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.set(name, value);
        self
    }

    /// Sets environment variables of the child.
    #[must_use]
    pub fn envs<'a>(self, variables: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        variables.into_iter().fold(self, |command, (name, value)| command.env(name, value))
    }

    /// Runs the child in `directory`.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Runs the child as `user`, which only root can do.
    #[must_use]
    pub fn user(mut self, user: Option<&OsUser>) -> Self {
        self.user = user.cloned();
        self
    }

    /// Puts the child and all that it starts into a process group. A signal then also reaches the
    /// processes that outlive the child. Not for programs that may talk to the terminal.
    #[must_use]
    pub fn in_a_group(mut self) -> Self {
        self.leads_a_group = true;
        self
    }

    /// Makes the server of [`Self::serve`] end with the thread that starts it, even if somebody kills
    /// db-tool. All other children do that without this call.
    pub fn until_we_end(mut self) -> Self {
        self.ends_with_us = true;
        self
    }

    /// Ends the program, and what it has started, when the deadline has passed.
    #[must_use]
    pub fn until(mut self, deadline: Option<&Deadline>) -> Self {
        self.deadline = deadline.cloned();
        self
    }

    /// Runs the program to its end and returns its standard output and standard error. An exit
    /// status other than 0 is an error with the tail of that output.
    pub fn capture(self) -> Result<String> {
        let (reader, writer) = self.pipe()?;
        let expression = self.expression(true).stderr_to_stdout().stdout_file(writer);
        let (status, printed) = self.wait_reading(expression, reader, |mut reader| {
            let mut bytes = Vec::new();
            let _ = reader.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })?;
        if status.success() { Ok(printed) } else { Err(self.failure(status, &printed)) }
    }

    /// Runs the program to its end. Its standard output goes to `output`, and each line of standard
    /// error to `on_stderr`. The caller judges the exit status. It is an error if db-tool itself
    /// received a signal.
    pub fn stream(
        self,
        output: StandardOutput<'_>,
        mut on_stderr: impl FnMut(&[u8]),
    ) -> Result<ExitStatus> {
        let (errors, writer) = self.pipe()?;
        let expression = self.expression(true).stderr_file(writer);
        // an expression keeps its pipes open, so only the last one may live while we read
        let (expression, lines) = match output {
            StandardOutput::Inherited => (expression, None),
            StandardOutput::File(file) => (with_stdout(expression, file), None),
            StandardOutput::Lines(on_stdout) => {
                let (lines, writer) = self.pipe()?;
                (with_stdout(expression, writer), Some((lines, on_stdout)))
            }
        };
        let (status, ()) = self.wait_reading(expression, errors, |errors| {
            std::thread::scope(|scope| {
                if let Some((lines, on_stdout)) = lines {
                    scope.spawn(|| each_line(lines, on_stdout));
                }
                each_line(errors, &mut on_stderr);
            });
        })?;
        Ok(status)
    }

    /// Replaces this process by the program, as a shell's `exec` does. Returns only if that fails.
    pub fn replace_process(self) -> Error {
        later::finish();
        let error = self.command().exec();
        self.cannot_start(&error)
    }

    /// Starts a server in a session of its own. Its standard output and standard error go to `log`.
    /// Of db-tool's other descriptors it inherits only `locks`, which the server and its children
    /// keep open.
    pub fn serve(self, log: File, locks: &[&File]) -> Result<Server> {
        self.log_start();
        let started = Server::start(self.command(), log, locks, self.ends_with_us);
        started.map_err(|e| self.cannot_start(&e))
    }

    fn pipe(&self) -> Result<(PipeReader, PipeWriter)> {
        std::io::pipe().map_err(|e| self.cannot_start(&e))
    }

    fn wait_reading<T>(
        &self,
        expression: duct::Expression,
        reader: PipeReader,
        read: impl FnOnce(PipeReader) -> T,
    ) -> Result<(ExitStatus, T)> {
        let handle = expression.unchecked().start().map_err(|e| self.cannot_start(&e))?;
        // the expression holds a copy of the pipe's writing end; unless it is dropped, the reader
        // never ends
        drop(expression);
        let relay = waiting::relay_signals(&handle);
        let _limit = self.deadline.as_ref().map(|deadline| deadline.watch(&relay));
        let group = handle.pids().first().copied().filter(|_| self.leads_a_group);
        let _watchdog = group.and_then(|group| orphan::Watchdog::over(group).ok());
        let read = read(reader);
        let status = handle.wait().map_err(|e| self.cannot_start(&e))?.status;
        drop(relay);
        signal::check()?;
        Ok((status, read))
    }

    /// Logs the command line. db-tool never puts a password into arguments.
    fn log_start(&self) {
        tracing::debug!("running {:?} {:?}", self.program, self.arguments);
    }

    fn expression(&self, ends_with_us: bool) -> duct::Expression {
        self.log_start();
        let (user, leads_a_group) = (self.user.clone(), self.leads_a_group);
        let mut expression = duct::cmd(&self.program, &self.arguments)
            .full_env(self.environment.variables())
            .before_spawn(move |command| {
                become_user(command, user.as_ref());
                if ends_with_us {
                    orphan::end_with_us(command);
                }
                if leads_a_group {
                    command.process_group(0);
                }
                Ok(())
            });
        if let Some(directory) = &self.directory {
            expression = expression.dir(directory);
        }
        expression
    }

    #[expect(clippy::disallowed_methods, reason = "this is the module that starts programs")]
    fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.variables());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        become_user(&mut command, self.user.as_ref());
        command
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    fn cannot_start(&self, error: &std::io::Error) -> Error {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::ProgramMissing,
            _ => Kind::Failed,
        };
        Error::io("start", &self.program, error).with_kind(kind)
    }

    fn failure(&self, status: ExitStatus, output: &str) -> Error {
        let error = Error::failed(format!("{} {}", self.name(), describe(status)))
            .detail(format!("ran: {}", self.shell_words()));
        match tail(output.trim_end()) {
            "" => error,
            tail => error.detail(tail.to_owned()),
        }
    }

    fn shell_words(&self) -> String {
        let arguments = self.arguments.iter().map(OsString::as_os_str);
        let words = std::iter::once(self.program.as_os_str()).chain(arguments);
        shell_words::join(words.map(OsStr::to_string_lossy))
    }
}

/// Sends the expression's standard output to `output`, and drops the expression without it.
fn with_stdout(expression: duct::Expression, output: impl Into<OwnedFd>) -> duct::Expression {
    expression.stdout_file(output.into())
}

fn each_line(reader: PipeReader, on_line: &mut (impl FnMut(&[u8]) + ?Sized)) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while matches!(read_line(&mut reader, &mut line), Ok(true)) {
        on_line(&line);
    }
}

/// The end of a program in words: `exited with status 3` or `was killed by signal 9`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

/// The last lines of `text`: complete lines, and at most `TAIL_BYTES` bytes.
fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(TAIL_BYTES);
    if from == 0 {
        return text;
    }
    text.char_indices()
        .find(|(at, c)| *at >= from && *c == '\n')
        .map_or("", |(at, _)| &text[at + 1..])
}

fn become_user(command: &mut std::process::Command, user: Option<&OsUser>) {
    if let Some(user) = user {
        // std drops the supplementary groups when root sets a user id
        command.gid(user.gid).uid(user.uid).env("HOME", &user.home).env("USER", &user.name);
    }
}
