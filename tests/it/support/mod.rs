//! The base of every test: its own directories, a cleared environment, the programs.
//!
//! Tests run the binaries and nothing else of the crate. A program's environment holds only the
//! variables that the test sets; its temporary directory, home and working directories belong to
//! the test. All tests share one template cache, so that a cluster costs only a clone.

pub mod bystander;
pub mod clock;
pub mod cluster;
pub mod migrator;
pub mod mount;
pub mod process;
pub mod project;
pub mod server;
pub mod sshd;
pub mod tls;
pub mod trace;
pub mod wait;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub use wait::{finish, wait_until};

/// A directory of its own and the environment that programs get in it. Dropping it stops the
/// processes that a test left running, so that a failing test leaves nothing either.
pub struct Sandbox {
    directory: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
    user: Option<String>,
    /// The current directory of programs, if it is not the sandbox's own.
    place: Option<PathBuf>,
}

/// The outcome of a program.
#[derive(Debug)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

impl Sandbox {
    /// The path is short, because sockets need a short one. The user that runs servers for root may
    /// enter it.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("dbt-").tempdir_in(place()).unwrap();
        open_to_all(directory.path());
        let mut sandbox = Self { directory, variables: Vec::new(), user: None, place: None };
        for name in ["tmp", "home"] {
            std::fs::create_dir(sandbox.path(name)).unwrap();
            open_to_all(&sandbox.path(name));
        }
        std::fs::set_permissions(sandbox.path("tmp"), PermissionsExt::from_mode(0o1777)).unwrap();
        sandbox.set("PATH", path_variable());
        sandbox.set("PG_BINDIR", bindir());
        sandbox.set_temporary(sandbox.path("tmp"));
        sandbox.set("HOME", sandbox.path("home"));
        sandbox.set("XDG_CACHE_HOME", cache());
        sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "");
        // each test is to see its own SQL run; those about cached states turn them on
        sandbox.set("PG_CACHE", "off");
        sandbox
    }

    /// A sandbox with `PG_WORKING_DIR` set to `pg` in it.
    pub fn with_cluster() -> Self {
        let mut sandbox = Self::new();
        let working = sandbox.path("pg");
        sandbox.set("PG_WORKING_DIR", &working);
        sandbox
    }

    /// A sandbox with a copy of a project in `project`: `LOCAL_DIR`, `PG_WORKING_DIR`, `DB_URL`.
    pub fn with_project(source: &str) -> Self {
        let mut sandbox = Self::with_cluster();
        let local = sandbox.path("project");
        project::copy(&repository().join(source), &local);
        sandbox.set("LOCAL_DIR", &local);
        let url = format!("postgresql://dev@localhost/app?host={}", sandbox.path("pg").display());
        sandbox.set("DB_URL", url);
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file below the sandbox, with its directories.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Gives the sandbox's cluster a key for secrets, owned by the user that runs the server.
    pub fn give_key(&self) {
        let key = self.write("pg/hectic.key", &"5ec7e7".repeat(11).as_bytes()[..64]);
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        let data = self.path("pg/data").metadata().unwrap();
        std::os::unix::fs::chown(&key, Some(data.uid()), Some(data.gid())).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.unset(name);
        self.variables.push((name.into(), value.as_ref().to_owned()));
    }

    /// Sets the directory of temporary files, and keeps private clusters there, too.
    pub fn set_temporary(&mut self, directory: impl AsRef<OsStr>) {
        self.set("PG_THROWAWAY_DIR", &directory);
        self.set("TMPDIR", directory);
    }

    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Runs the programs as this user from now on. The user becomes the owner of the sandbox, so
    /// only root can do this.
    pub fn act_as(&mut self, user: &str) {
        let status = Command::new("chown").args(["-R", user]).arg(self.directory.path()).status();
        assert!(status.unwrap().success(), "chown to {user}");
        self.set("XDG_CACHE_HOME", self.path("home/.cache"));
        self.user = Some(user.to_owned());
    }

    /// Programs work in this directory of the sandbox from now on.
    pub fn go(&mut self, name: &str) {
        self.place = Some(self.path(name));
    }

    /// A command for one of our programs or any other, in the sandbox's environment.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let program = binary(program).unwrap_or_else(|| program.into());
        let mut command = match &self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
        };
        command.args(arguments).env_clear().envs(self.variables.iter().cloned());
        let place = self.place.as_deref().unwrap_or(self.directory.path());
        command.current_dir(place).stdin(Stdio::null());
        hear_hangups(&mut command);
        command
    }

    /// Runs a program and waits for its end.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        finish(self.spawn(program, arguments), None)
    }

    /// Runs a program with `input` on its standard input.
    pub fn run_with_input<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Outcome {
        let mut command = self.command(program, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().unwrap(), Some(input))
    }

    /// Starts a program. `finish` collects its output.
    pub fn spawn<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Child {
        let mut command = self.command(program, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
    }

    /// `database` with these arguments.
    pub fn database<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.run("database", arguments)
    }

    /// `postgres-init` with these arguments.
    pub fn init<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.run("postgres-init", arguments)
    }

    /// Names of the entries of a directory below the sandbox, sorted.
    pub fn entries(&self, name: &str) -> Vec<String> {
        entries(&self.path(name))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for pid in server::processes_below(self.directory.path()) {
            wait::try_signal("QUIT", pid);
        }
        wait_until("servers end", || server::processes_below(self.directory.path()).is_empty());
    }
}

impl Outcome {
    /// Fails the test unless the program succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.code == Some(0), "expected success:\n{self}");
        self
    }

    /// Fails the test unless the program ended with `code` and printed each of `words` on stderr.
    #[track_caller]
    pub fn fails<const N: usize>(self, code: i32, words: [&str; N]) -> Self {
        assert!(self.code == Some(code), "expected exit {code}:\n{self}");
        for word in words {
            assert!(self.stderr.contains(word), "expected {word:?} on stderr:\n{self}");
        }
        self
    }

    /// The whole outcome as one block, with everything that differs from run to run replaced.
    pub fn block(&self, sandbox: &Sandbox) -> String {
        let directory = sandbox.directory.path().to_str().unwrap();
        let ended = match (self.code, self.signal) {
            (Some(code), _) => format!("exit: {code}"),
            (None, signal) => format!("signal: {}", signal.unwrap_or_default()),
        };
        let text = format!("{ended}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr);
        steady(&text.replace(directory, "[SANDBOX]").replace(&whoami(), "[USER]"))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stdout, stderr, code, signal } = self;
        write!(f, "code {code:?} signal {signal:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

/// Compares with `tests/golden/NAME`; `UPDATE_GOLDEN=1` writes it instead.
#[track_caller]
pub fn assert_golden(name: &str, actual: &str) {
    let path = repository().join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name} differs (UPDATE_GOLDEN=1 rewrites it)\n{actual}");
}

pub fn entries(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The repository, by a variable that is set while the tests run, wherever they were built.
pub fn repository() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    here.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The user that runs the tests, whose name the superuser in clusters has.
pub fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub fn is_root() -> bool {
    whoami() == "root"
}

/// The programs of the PostgreSQL that the tests use. Fails if there are none.
pub fn bindir() -> PathBuf {
    let bindir = std::env::var_os("DB_TOOL_TEST_PG_BINDIR");
    bindir.expect("DB_TOOL_TEST_PG_BINDIR is unset: run the tests with `cargo x test`").into()
}

/// The path of psql.
pub fn psql() -> String {
    bindir().join("psql").display().to_string()
}

/// The directory of the sandboxes. A cluster is a thousand files, which soon go again. So they are
/// in memory if there is enough for all tests at once (by default, a container has only 64 MB
/// there) and programs may run there, else on the disk.
fn place() -> &'static Path {
    let memory = Path::new("/dev/shm");
    let fits = nix::sys::statvfs::statvfs(memory).is_ok_and(|place| {
        let free = place.blocks_available() as f64 * place.fragment_size() as f64;
        free > 4e9 && !place.flags().contains(nix::sys::statvfs::FsFlags::ST_NOEXEC)
    });
    if fits { memory } else { Path::new("/tmp") }
}

/// The template cache that all tests share.
fn cache() -> PathBuf {
    let cache = std::env::var_os("DB_TOOL_TEST_CACHE");
    cache.map_or_else(|| repository().join("target/test-cache"), PathBuf::from)
}

/// The path of one of our programs: installed by a package, or else built by cargo.
pub fn program(name: &str) -> String {
    let installed = std::env::var_os("DB_TOOL_TEST_PROGRAMS").map(PathBuf::from);
    let built = || Path::new(env!("CARGO_BIN_EXE_database")).parent().unwrap().to_owned();
    installed.unwrap_or_else(built).join(name).into_os_string().into_string().unwrap()
}

fn binary(name: &str) -> Option<PathBuf> {
    let ours = ["database", "migrator", "postgres-init", "postgres-cleanup"];
    ours.contains(&name).then(|| program(name).into())
}

/// Our programs, then the system's, which are elsewhere when Nix runs the tests.
fn path_variable() -> OsString {
    let ours = PathBuf::from(program("database"));
    let system = std::env::var_os("DB_TOOL_TEST_PATH");
    let mut path = ours.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(system.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into()));
    path
}

fn open_to_all(directory: &Path) {
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Replaces durations, and leaves out lines that say that a command waited for another.
pub fn steady(text: &str) -> String {
    let mut steady = String::new();
    for line in text.lines().filter(|line| !line.starts_with("waiting for another db-tool")) {
        let words = line.split(' ').collect::<Vec<_>>();
        let mut kept: Vec<String> = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let unit = words.get(index + 1).is_some_and(|next| next.starts_with("ms"));
            let number = word.parse::<u64>().is_ok();
            kept.push(if unit && number { "[N]".into() } else { (*word).to_owned() });
        }
        steady.push_str(&kept.join(" "));
        steady.push('\n');
    }
    steady
}

/// Lets a program hear SIGHUP even if the tests ignore it, as with `nohup cargo x test`.
#[expect(unsafe_code, reason = "a system call between fork and exec; it is async-signal-safe")]
fn hear_hangups(command: &mut Command) {
    use nix::sys::signal::{SigHandler, Signal, signal};
    use std::os::unix::process::CommandExt;
    // SAFETY: the handler is the system's own, and nothing is allocated
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGHUP, SigHandler::SigDfl)?;
            Ok(())
        });
    }
}
