//! PostgreSQL's programs: the real binaries, all from one directory.
//!
//! Debian puts a Perl script in front of psql. The script costs forty milliseconds a call and may
//! choose another version than the server's. So a directory counts only if the programs of the
//! server are in it beside psql. A link to a program is followed only if the directory of the link
//! is incomplete: Nix wraps `postgres`, so that it finds its extensions, and following that link
//! would bypass the wrapper.

mod installed;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::sys::digest::hex;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::process::{Command, Environment, OsUser};

/// The major versions with which db-tool is tested.
pub const SUPPORTED: std::ops::RangeInclusive<u32> = 15..=18;

/// The programs that a directory must hold.
const REQUIRED: [&str; 3] = ["postgres", "initdb", "psql"];

/// The places in which db-tool searches.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// `PG_BINDIR`: if set, the only directory to look in.
    pub bindir: Option<PathBuf>,
    /// `PATH`.
    pub path: OsString,
}

/// The programs of one PostgreSQL installation. Every path is absolute.
#[derive(Debug, Clone)]
pub struct Toolchain {
    bindir: PathBuf,
    environment: Environment,
    version: OnceLock<Version>,
    identity: OnceLock<String>,
}

/// A server version as `postgres --version` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The whole line.
    pub text: String,
    /// The major version.
    pub major: u32,
}

impl Search {
    /// Each `program` in `PATH`, in the order of `PATH`.
    fn all(&self, program: &str) -> impl Iterator<Item = PathBuf> {
        which::which_in_all(program, Some(&self.path), "/").into_iter().flatten()
    }
}

impl Toolchain {
    /// Finds the installation: `PG_BINDIR`, else `PATH`, else `pg_config --bindir`, else the usual
    /// directories of distributions, the newest version first.
    pub fn locate(search: &Search, environment: &Environment) -> Result<Self> {
        let bindir = match &search.bindir {
            Some(explicit) => complete(explicit).ok_or_else(|| incomplete(explicit))?,
            None => search
                .all("postgres")
                .find_map(|server| complete(server.parent()?))
                .or_else(|| from_pg_config(search, environment))
                .or_else(|| well_known().iter().find_map(|directory| complete(directory)))
                .ok_or_else(|| nowhere(search))?,
        };
        Ok(Self::at(bindir, environment))
    }

    /// Finds an installation for commands that need only psql. A machine with only the client is
    /// enough.
    pub fn locate_client(search: &Search, environment: &Environment) -> Result<Self> {
        Self::locate(search, environment).or_else(|error| {
            let psql = match &search.bindir {
                Some(explicit) => std::path::absolute(explicit.join("psql")).ok(),
                None => search.all("psql").next(),
            };
            let bindir = psql.filter(|psql| is_program(psql));
            let bindir = bindir.and_then(|psql| psql.parent().map(Path::to_owned)).ok_or(error)?;
            Ok(Self::at(bindir, environment))
        })
    }

    fn at(bindir: PathBuf, environment: &Environment) -> Self {
        let environment = environment.clone();
        Self { bindir, environment, version: OnceLock::new(), identity: OnceLock::new() }
    }

    /// The directory of the programs.
    pub fn bindir(&self) -> &Path {
        &self.bindir
    }

    /// A command for one of the programs. The error is exit 127 if the program is missing.
    pub fn command(&self, program: &str) -> Result<Command> {
        Ok(Command::new(self.path(program)?, &self.environment))
    }

    /// A command for a program of the server. It gets almost nothing of the caller's environment.
    pub fn server_command(&self, program: &str, user: Option<&OsUser>) -> Result<Command> {
        let command = Command::new(self.path(program)?, &self.environment.for_server());
        Ok(command.user(user).directory(Path::new("/")))
    }

    /// The absolute path of `program`.
    pub fn path(&self, program: &str) -> Result<PathBuf> {
        let path = self.bindir.join(program);
        if is_program(&path) { Ok(path) } else { Err(missing_program(program, &self.bindir)) }
    }

    /// The version of the server. `postgres --version` runs only once.
    pub fn version(&self) -> Result<&Version> {
        if let Some(version) = self.version.get() {
            return Ok(version);
        }
        let text = self.server_command("postgres", None)?.arg("--version").capture()?;
        let version = Version::parse(&text)?;
        if version.major < *SUPPORTED.start() {
            return Err(Error::new(
                Kind::ProgramMissing,
                format!("{} in {} is too old", version.text, self.bindir.display()),
            )
            .hint(format!(
                "PostgreSQL {} to {} are supported; set PG_BINDIR to the bin directory of one",
                SUPPORTED.start(),
                SUPPORTED.end()
            )));
        }
        Ok(self.version.get_or_init(|| version))
    }

    /// A digest that changes if the binaries of the server, or the C or ICU libraries, change. A
    /// cluster that `initdb` made with other libraries may not fit this server.
    pub fn identity(&self) -> Result<&str> {
        if let Some(identity) = self.identity.get() {
            return Ok(identity);
        }
        let mut digest = Sha256::new();
        for program in ["postgres", "initdb"] {
            stamp(&mut digest, &self.path(program)?)?;
        }
        for library in system_libraries() {
            stamp(&mut digest, &library)?;
        }
        digest.update(std::env::consts::ARCH);
        Ok(self.identity.get_or_init(|| hex(&digest.finalize())))
    }

    /// Whether the server can find `library`, a name in `shared_preload_libraries`.
    pub fn has_library(&self, library: &str) -> bool {
        let name = library.strip_prefix("$libdir/").unwrap_or(library);
        let suffix = std::env::consts::DLL_EXTENSION;
        self.library_directories().iter().any(|directory| {
            [name.to_owned(), format!("{name}.so"), format!("{name}.{suffix}")]
                .iter()
                .any(|file| directory.join(file).is_file())
        })
    }

    /// A directory that `pg_config` prints.
    fn pg_config(&self, option: &str) -> Option<PathBuf> {
        let command = self.server_command("pg_config", None).ok()?;
        Some(PathBuf::from(command.arg(option).capture().ok()?.trim_end()))
    }

    /// The directories in which the server looks for libraries. `pg_config` prints them. Without
    /// it, db-tool guesses them from the directory of the programs, for Debian, Fedora and builds
    /// from source.
    fn library_directories(&self) -> Vec<PathBuf> {
        let printed = self.pg_config("--pkglibdir");
        let near = ["../lib", "../lib/postgresql", "../lib64/pgsql"].map(|d| self.bindir.join(d));
        let plugins = self.environment.get("NIX_PGLIBDIR").map(PathBuf::from);
        printed.into_iter().chain(near).chain(plugins).collect()
    }
}

impl Version {
    /// Finds the first version number in the output of a program.
    ///
    /// # Errors
    /// `Failed` if the text has no number.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        text.split_whitespace()
            .find_map(|word| {
                let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
                word[..digits].parse().ok()
            })
            .map(|major| Self { text: text.to_owned(), major })
            .ok_or_else(|| Error::failed(format!("cannot read a version from \"{text}\"")))
    }

    /// The number without other text, such as `17.10`.
    pub fn number(&self) -> &str {
        self.text.split_whitespace().nth(2).unwrap_or(&self.text)
    }
}

/// `directory` if it holds all required programs. Otherwise the directory that its links lead to,
/// if that one does.
fn complete(directory: &Path) -> Option<PathBuf> {
    let is_complete = |directory: &Path| REQUIRED.iter().all(|p| is_program(&directory.join(p)));
    let directory = std::path::absolute(directory).ok()?;
    if is_complete(&directory) {
        return Some(directory);
    }
    let linked = std::fs::canonicalize(directory.join("postgres")).ok()?;
    linked.parent().filter(|directory| is_complete(directory)).map(Path::to_owned)
}

fn from_pg_config(search: &Search, environment: &Environment) -> Option<PathBuf> {
    let program = search.all("pg_config").next()?;
    let printed = Command::new(program, environment).arg("--bindir").capture().ok()?;
    complete(Path::new(printed.trim_end()))
}

/// The directories that Debian, Fedora/RHEL (PGDG) and Homebrew use, the newest major version
/// first.
fn well_known() -> Vec<PathBuf> {
    let majors = SUPPORTED.rev();
    majors
        .flat_map(|major| {
            [
                format!("/usr/lib/postgresql/{major}/bin"),
                format!("/usr/pgsql-{major}/bin"),
                format!("/opt/homebrew/opt/postgresql@{major}/bin"),
                format!("/usr/local/opt/postgresql@{major}/bin"),
                format!("/home/linuxbrew/.linuxbrew/opt/postgresql@{major}/bin"),
            ]
        })
        .map(PathBuf::from)
        .collect()
}

/// The files of the C and ICU libraries and of the installed locales.
fn system_libraries() -> Vec<PathBuf> {
    let triple = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let mut found = vec![PathBuf::from("/usr/lib/locale/locale-archive")];
    for directory in [triple.as_str(), "/usr/lib64"] {
        let Ok(entries) = std::fs::read_dir(directory) else { continue };
        let names = entries.flatten().map(|entry| entry.file_name());
        found.extend(
            names
                .filter(|name| {
                    let name = name.to_string_lossy();
                    name.starts_with("libc.so.") || name.starts_with("libicui18n.so.")
                })
                .map(|name| Path::new(directory).join(name)),
        );
    }
    found.sort();
    found.retain(|path| path.exists());
    found
}

fn stamp(digest: &mut Sha256, path: &Path) -> Result<()> {
    let file = std::fs::canonicalize(path).on("find", path)?;
    let facts = std::fs::metadata(&file).on("read", &file)?;
    let changed = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    digest.update(format!("{}\0{}\0{changed:?}\n", file.display(), facts.len()));
    Ok(())
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

fn incomplete(bindir: &Path) -> Error {
    let missing = REQUIRED.iter().find(|p| !is_program(&bindir.join(p))).unwrap_or(&"postgres");
    Error::new(
        Kind::ProgramMissing,
        format!("PG_BINDIR is {}, but there is no {missing}", bindir.display()),
    )
    .hint("set PG_BINDIR to a directory that holds initdb, postgres and psql, or unset it")
}

/// The error of a search without success. It names the first required program that is nowhere.
fn nowhere(search: &Search) -> Error {
    let absent = |program: &&&str| search.all(program).next().is_none();
    let program = REQUIRED.iter().find(absent).unwrap_or(&"postgres");
    missing(program, "is not installed: looked at PG_BINDIR, PATH, pg_config and the usual places")
}

fn missing_program(program: &str, bindir: &Path) -> Error {
    missing(program, &format!("is not in {}, where the other programs are", bindir.display()))
}

fn missing(program: &str, what: &str) -> Error {
    Error::new(Kind::ProgramMissing, format!("{program} {what}"))
        .hint("Debian and Ubuntu: apt-get install postgresql")
        .hint("Fedora: dnf install postgresql-server postgresql-contrib")
        .hint("macOS: brew install postgresql@17; NixOS: add postgresql_17 to the shell")
        .hint("installed elsewhere: set PG_BINDIR to the directory with initdb, postgres and psql")
}

/// Adds the next step to an error of initdb that has one.
pub fn remedied(error: Error) -> Error {
    let is_of = |line: &String| line.contains("could not look up effective user ID");
    if !error.details().iter().any(is_of) {
        return error;
    }
    error.hint("initdb needs a name for the user: add a line to /etc/passwd, or use another user")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_vendors_are_read() {
        let debian = Version::parse("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n");
        assert_eq!(debian.as_ref().map(|v| v.major), Ok(15));
        assert_eq!(debian.as_ref().map(Version::number), Ok("15.18"));
        assert_eq!(Version::parse("postgres (PostgreSQL) 19beta1").map(|v| v.major), Ok(19));
        assert!(Version::parse("nonsense").is_err());
    }

    #[test]
    fn an_empty_directory_is_no_installation() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let search = Search { bindir: Some(directory.path().into()), path: OsString::new() };
        let error = Toolchain::locate(&search, &Environment::default()).expect_err("nothing there");
        assert_eq!(error.kind(), Kind::ProgramMissing);
        assert!(error.message().ends_with("there is no postgres"), "{error}");
    }
}
