//! A PostgreSQL database for each test: a clone that `database clone` of db-tool makes.
//!
//! ```no_run
//! let database = db_tool_test::TestDatabase::new();
//! // connect to `database.url()` with any driver
//! ```
//!
//! The database is dropped with the value, unless the test panics: then it stays for an hour, and
//! its URL is on standard error. If the test process is killed, the next command of db-tool drops
//! its databases. The calls block for some tens of milliseconds, so they may be used in async tests
//! of any runtime.

#![expect(clippy::print_stderr, reason = "the runner of the tests shows it with the failure")]
#![expect(clippy::disallowed_methods, reason = "a database is made by the program of db-tool")]

use std::env;
use std::fmt;
use std::process::{Command, Stdio};

/// The variable that names the program, if `database` is not in `PATH`.
const PROGRAM: &str = "DB_TOOL";

/// A database that ends with the test.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
}

/// The content of a test's database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    patch: bool,
    mock: bool,
}

/// A database that could not be made.
#[derive(Debug)]
pub struct Error(String);

impl TestDatabase {
    /// A database with the content of the project's sources.
    ///
    /// # Panics
    /// If the database cannot be made, with the message of db-tool.
    #[expect(clippy::new_without_default, reason = "it starts a program")]
    #[expect(clippy::panic, reason = "a test ends so")]
    pub fn new() -> Self {
        Options::default().create().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The URL, which every driver accepts: `postgresql://shop@localhost/shop_clone_…?host=…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        let path = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let path = path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Lets the database stay for an hour. Returns its URL.
    ///
    /// # Errors
    /// If db-tool fails, with its message.
    pub fn keep(self) -> Result<String, Error> {
        database(&["clone", "keep", self.name()])?;
        let mut kept = std::mem::ManuallyDrop::new(self);
        Ok(std::mem::take(&mut kept.url))
    }
}

impl Options {
    /// The content of the project's sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs the patch file, too.
    #[must_use]
    pub fn patch(self) -> Self {
        Self { patch: true, ..self }
    }

    /// Sets the psql variable `USE_MOCK=1`.
    #[must_use]
    pub fn mock(self) -> Self {
        Self { mock: true, ..self }
    }

    /// Makes the database.
    ///
    /// # Errors
    /// If db-tool fails, with its message.
    pub fn create(self) -> Result<TestDatabase, Error> {
        let owner = std::process::id().to_string();
        let mut arguments = vec!["clone", "--owner", owner.as_str()];
        let switches = [(self.patch, "--patch"), (self.mock, "--mock")];
        arguments.extend(switches.iter().filter(|(on, _)| *on).map(|(_, switch)| *switch));
        Ok(TestDatabase { url: database(&arguments)?.trim_end().to_owned() })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let verb = if std::thread::panicking() { "keep" } else { "drop" };
        let done = database(&["clone", verb, self.name()]);
        match done {
            Ok(_) if verb == "keep" => eprintln!("the database of the failed test: {}", self.url),
            Ok(_) => {}
            // a panic here would end the whole process, or hide the cause
            Err(error) => eprintln!("cannot {verb} the test's database {}: {error}", self.url),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Runs `database` with these arguments. Returns its standard output.
fn database(arguments: &[&str]) -> Result<String, Error> {
    let program = env::var_os(PROGRAM).filter(|name| !name.is_empty());
    let program = program.unwrap_or_else(|| "database".into());
    let output = Command::new(&program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        let program = program.to_string_lossy();
        Error(format!(
            "cannot start {program}: {error}; install db-tool, or name its program in {PROGRAM}"
        ))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(Error(format!("`database {}` failed:\n{}", arguments.join(" "), message.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_part_of_the_path() {
        let url = "postgresql://shop@localhost/shop_clone_1?host=/src/shop/sock&port=5432";
        let database = std::mem::ManuallyDrop::new(TestDatabase { url: url.to_owned() });
        assert_eq!(database.name(), "shop_clone_1");
    }
}
