//! Clients in other languages, with which the tests connect to a server: psycopg and node-postgres;
//! pytest and vitest, for the helpers in `clients/python` and `clients/node`.
//!
//! pip and npm fetch the libraries from the registries that the machine is configured for, in the
//! versions that `clients/` pins. For each client there is a script that runs its interpreter with
//! its library.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, On, Result};
use crate::{place, program};

/// The variable that names the directory of these scripts.
pub(crate) const VARIABLE: &str = "DB_TOOL_TEST_CLIENTS";

/// A client, and how to fetch it.
struct Client {
    /// The name of the script, and of the directory in `clients/`.
    name: &'static str,
    /// The interpreter.
    interpreter: &'static str,
    /// Prints the interpreter's real path: a manager of versions puts another program into `PATH`.
    path: [&'static str; 2],
    /// The variable in which the interpreter finds the library.
    variable: &'static str,
    /// The directory of the library.
    library: &'static str,
    /// The files that pin the versions.
    pins: &'static [&'static str],
    /// The command that fetches the library into the current directory, which has the pins.
    fetch: &'static [&'static str],
    /// What people have to install.
    advice: &'static str,
}

const PIP: &str = "Python with pip (Debian, Ubuntu: `python3-pip`)";

const NPM: &str = "Node.js with npm (Debian, Ubuntu: `npm`)";

const FETCH_BY_NPM: [&str; 6] =
    ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];

const FETCH_BY_PIP: [&str; 10] = [
    "python3",
    "-m",
    "pip",
    "--disable-pip-version-check",
    "install",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    "--target=site",
    "--requirement=requirements.txt",
];

const CLIENTS: [Client; 4] = [
    Client::python("psycopg"),
    Client::node("node-postgres"),
    Client::node("vitest"),
    Client::python("python"),
];

impl Client {
    /// One that runs in Python.
    const fn python(name: &'static str) -> Self {
        Self {
            name,
            interpreter: "python3",
            path: ["-c", "import sys; print(sys.executable)"],
            variable: "PYTHONPATH",
            library: "site",
            pins: &["requirements.txt"],
            fetch: &FETCH_BY_PIP,
            advice: PIP,
        }
    }

    /// One that runs in Node.js.
    const fn node(name: &'static str) -> Self {
        Self {
            name,
            interpreter: "node",
            path: ["-p", "process.execPath"],
            variable: "NODE_PATH",
            library: "node_modules",
            pins: &["package.json", "package-lock.json"],
            fetch: &FETCH_BY_NPM,
            advice: NPM,
        }
    }
}

/// The directory with the scripts, named in [`VARIABLE`] or made in the target directory.
pub(crate) fn provide() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Ok(named.into());
    }
    let home = place::kept("clients")?;
    CLIENTS.iter().try_for_each(|client| client.provide(&home))?;
    Ok(home)
}

impl Client {
    /// Fetches the library unless it is there, in the versions that are pinned now and for this
    /// interpreter.
    fn provide(&self, home: &Path) -> Result<()> {
        let script = home.join(self.name);
        let place = home.join(format!("{}.d", self.name));
        let path = program::output(program::new(self.interpreter).args(self.path))
            .map_err(|_| self.advice())?;
        let text = self.script(path.trim(), &place);
        if fs::read_to_string(&script).is_ok_and(|found| found == text) && self.is_fetched(&place) {
            return Ok(());
        }
        eprintln!("Fetching {} for the tests.", self.name);
        let part = home.join(format!(".part-{}", std::process::id()));
        let made = self.fetch(&part).and_then(|()| {
            if place.exists() {
                fs::remove_dir_all(&place).on("remove", &place)?;
            }
            fs::rename(&part, &place).on("publish", &place)
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        made?;
        fs::write(&script, text).on("write", &script)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).on("open", &script)
    }

    fn fetch(&self, part: &Path) -> Result<()> {
        fs::create_dir_all(part).on("create", part)?;
        for pin in self.pins {
            fs::copy(self.pin(pin), part.join(pin)).on("copy", &self.pin(pin))?;
        }
        let (name, arguments) = self.fetch.split_first().unwrap_or((&"false", &[]));
        program::run_aside(program::new(name).args(arguments).current_dir(part))
            .map_err(|failure| Failure::new(format!("{failure}\n{}", self.advice())))
    }

    /// Whether the library in `place` has the versions that are pinned now.
    fn is_fetched(&self, place: &Path) -> bool {
        self.pins.iter().all(|pin| {
            let [fetched, pinned] = [place.join(pin), self.pin(pin)].map(fs::read);
            matches!((fetched, pinned), (Ok(fetched), Ok(pinned)) if fetched == pinned)
        })
    }

    fn pin(&self, name: &str) -> PathBuf {
        place::root().join("clients").join(self.name).join(name)
    }

    fn script(&self, interpreter: &str, place: &Path) -> String {
        let library = place.join(self.library);
        format!(
            "#!/bin/sh\nexport {}={}\nexec {} \"$@\"\n",
            self.variable,
            program::quoted(&library.to_string_lossy()),
            program::quoted(interpreter)
        )
    }

    fn advice(&self) -> Failure {
        Failure::not_installed(format!(
            "the tests need {} to fetch {}; or set {VARIABLE} to a directory with programs {}",
            self.advice,
            self.name,
            CLIENTS.map(|client| format!("`{}`", client.name)).join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_runs_the_interpreter_with_the_library() {
        let script = CLIENTS[1].script("/opt/my node/bin/node", Path::new("/x"));
        let expected =
            "#!/bin/sh\nexport NODE_PATH=/x/node_modules\nexec '/opt/my node/bin/node' \"$@\"\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn every_client_is_pinned() {
        for client in &CLIENTS {
            for pin in client.pins {
                assert!(client.pin(pin).is_file(), "{pin}");
            }
        }
    }
}
