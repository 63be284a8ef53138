//! The environment: one table of variables, read once.
//!
//! `--help` and `docs/reference/variables.md` print the table, and a project's `.env` may set only
//! variables that it lists. A variable of the environment overrides the `.env`. An empty variable
//! counts as unset, except where the table gives it a meaning.

mod table;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

pub use table::{TABLE, Variable};

use super::config::{self, ProjectFile};
use super::path::absolute;
use super::trust;
use crate::secret::dotenv::{self, Entry};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::OsUser;

/// The environment of the process, read once.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<OsString, OsString>,
    /// The files that have set variables.
    origins: BTreeMap<&'static str, PathBuf>,
    /// The project's `database.toml`.
    project: Option<ProjectFile>,
}

impl Env {
    /// Reads the environment, and no files.
    pub fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect(), ..Self::default() }
    }

    /// Reads the environment and adds the settings of the project's files.
    pub fn capture() -> Result<Self> {
        let mut env = Self::of_process();
        if env.path("LOCAL_DIR").is_none()
            && let Ok(here) = std::env::current_dir()
        {
            let home = env.path("HOME").unwrap_or_else(|| OsUser::current().home);
            if let Some(root) = config::discover(&here, &home)? {
                env.origins.insert("LOCAL_DIR", root.join(config::FILE));
                env.variables.insert("LOCAL_DIR".into(), root.into());
            }
        }
        if let Some(root) = env.path("LOCAL_DIR") {
            env.complete_from(&root.join(".env"), &root)?;
            env.complete_from_project(&root)?;
        }
        Ok(env)
    }

    /// Reads the environment for the project in `root`, which was just made: without the variables
    /// that could lead to another project or database.
    pub(in crate::cli) fn of_project(root: &Path) -> Result<Self> {
        let mut env = Self { variables: std::env::vars_os().collect(), ..Self::default() };
        let of_machine = |name: &str| {
            matches!(name, "TMPDIR" | "PG_THROWAWAY_DIR") || trust::is_never_trusted(name)
        };
        let led = config::KEYS.iter().map(|key| key.variable).filter(|name| !of_machine(name));
        let others = ["PGURL", "ENVIRONMENT", "HECTIC_DOTENV_CONTENT", "MIGRATION_DIR"];
        for name in led.chain(others) {
            env.variables.remove(OsStr::new(name));
        }
        env.variables.insert("LOCAL_DIR".into(), root.into());
        env.complete_from_project(root)?;
        Ok(env)
    }

    /// Reads the environment without any project.
    pub(in crate::cli) fn of_no_project() -> Result<Self> {
        let mut env = Self::of_project(Path::new("/dev/null"))?;
        env.variables.remove(OsStr::new("LOCAL_DIR"));
        env.variables.insert("PG_SHARED_PRELOAD_LIBRARIES".into(), OsString::new());
        Ok(env)
    }

    /// Adds the settings of `database.$ENVIRONMENT.toml`, then of `database.toml`.
    fn complete_from_project(&mut self, root: &Path) -> Result<()> {
        let environment = self.text("ENVIRONMENT")?;
        let own = environment.map(|name| config::of_environment(root, name)).transpose()?;
        for file in own.into_iter().chain([root.join(config::FILE)]) {
            let Some((project, settings)) = config::read(&file)? else { continue };
            let working = self.path("PG_WORKING_DIR");
            for (name, value) in settings {
                self.complete(&file, root, working.as_deref(), (name, &value))?;
            }
            self.project = Some(project).filter(|_| file.ends_with(config::FILE));
        }
        Ok(())
    }

    /// Adds one setting of a file, if the variable is not set.
    fn complete(
        &mut self,
        file: &Path,
        root: &Path,
        working: Option<&Path>,
        (name, value): (&'static str, &str),
    ) -> Result<()> {
        if name == "LOCAL_DIR" || self.variables.contains_key(OsStr::new(name)) {
            return Ok(());
        }
        trust::check(file, (name, value), root, working)?;
        let url = config::from_root(name, value, root);
        let value = url.as_deref().unwrap_or(value);
        let value = if trust::is_path(name) && !value.is_empty() {
            root.join(value).into_os_string()
        } else {
            value.into()
        };
        self.variables.insert(name.into(), value);
        self.origins.insert(name, file.to_owned());
        Ok(())
    }

    /// The project's `database.toml`, if there is one.
    pub(in crate::cli) fn project(&self) -> Option<&ProjectFile> {
        self.project.as_ref()
    }

    /// The file that has set a variable. `None` for a variable of the environment.
    pub(in crate::cli) fn origin(&self, name: &str) -> Option<&Path> {
        self.origins.get(name).map(PathBuf::as_path)
    }

    #[cfg(test)]
    fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Self { variables: variables.collect(), ..Self::default() }
    }

    /// Adds the settings of a `.env`: known names only, and only if they are not set. Errors never
    /// show values, because a user may have put a secret there. Relative paths start at `root`.
    fn complete_from(&mut self, file: &Path, root: &Path) -> Result<()> {
        if !file.is_file() {
            return Ok(());
        }
        let cannot = |error: Error| {
            let error = error.context(format!("cannot read the settings in {}", file.display()));
            error.hint("correct that line, or set the variable in the environment instead")
        };
        let content = crate::sys::process::read_regular(file).on("read", file)?;
        let is_setting = |name: &str| TABLE.iter().any(|variable| variable.name == name);
        let variable = |name: &str| self.os(name)?.to_str().map(str::to_owned);
        let settings = dotenv::settings(&content, &is_setting, &variable).map_err(cannot)?;
        let working = self.path("PG_WORKING_DIR");
        for Entry { name, value } in settings {
            let value = value.expose();
            let Some(known) = TABLE.iter().find(|variable| variable.name == name) else { continue };
            self.complete(file, root, working.as_deref(), (known.name, value))?;
        }
        Ok(())
    }

    /// The value of a variable that is set and not empty.
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.set(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable that is set, even if it is empty.
    pub fn set(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value as text. Exits with 2 if it is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        self.os(name)
            .map(|value| {
                let not_utf8 = || {
                    Error::conflict(format!("{name} is not valid UTF-8"))
                        .hint("set it to a value in UTF-8, or unset it")
                };
                value.to_str().ok_or_else(not_utf8)
            })
            .transpose()
    }

    /// The value as an absolute path; a relative one starts at the current directory.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).map(|value| absolute(Path::new(value)))
    }

    /// Whether a switch is on: set, and not empty, `0`, `false`, `no` or `off`.
    pub fn switch(&self, name: &str) -> bool {
        self.set(name).is_some_and(is_on)
    }

    /// All variables, for child processes.
    pub fn all(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.variables.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// The variables that libpq reads.
    pub fn libpq(&self) -> BTreeMap<String, String> {
        let named = self.variables.iter().filter_map(|(name, value)| {
            let name = name.to_str().filter(|name| name.starts_with("PG"))?;
            Some((name.to_owned(), value.to_str()?.to_owned()))
        });
        named.collect()
    }
}

/// Whether `NO_TTY` forbids the use of a terminal. It is needed before the environment is captured,
/// because errors about that must respect it.
pub fn no_tty() -> bool {
    std::env::var_os("NO_TTY").is_some_and(|value| is_on(&value))
}

fn is_on(value: &OsStr) -> bool {
    let off = ["", "0", "false", "no", "off"];
    !off.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_on_unless_they_say_off() {
        let env = Env::of(&[("A", "1"), ("B", "0"), ("C", ""), ("D", "False"), ("E", "yes")]);
        let on = |name| env.switch(name);
        assert_eq!(
            ["A", "B", "C", "D", "E", "F"].map(on),
            [true, false, false, false, true, false]
        );
    }

    #[test]
    fn a_dotenv_completes_but_does_not_override() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join(".env");
        let text =
            "PG_PORT=1\nDATABASE_DIR=sql\nSECRET=x\nLOCAL_DIR=/elsewhere\nPGURL=postgres:///x\n";
        std::fs::write(&file, text).expect("written");
        let mut env = Env::of(&[("PG_PORT", "2")]);
        env.complete_from(&file, root.path()).expect("read");
        assert_eq!(env.os("PG_PORT"), Some(OsStr::new("2")));
        assert_eq!(env.path("DATABASE_DIR"), Some(root.path().join("sql")));
        assert_eq!((env.os("SECRET"), env.os("LOCAL_DIR")), (None, None));
    }

    #[test]
    fn a_broken_dotenv_is_told_without_its_content() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join(".env");
        std::fs::write(&file, "PG_PORT=hush hush\n").expect("written");
        let error = Env::default().complete_from(&file, root.path()).expect_err("malformed");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }

    #[test]
    fn a_variable_in_a_value_is_taken_whole() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = root.path().join(".env");
        let here = root.path().display();
        let text = format!(
            "PG_WORKING_DIR={here}\nFOO=not ours at all\nDB_URL=\"postgresql:///d?host=$PG_WORKING_DIR\"\n"
        );
        std::fs::write(&file, text).expect("written");
        let mut env = Env::default();
        env.complete_from(&file, root.path()).expect("read");
        let url = format!("postgresql:///d?host={here}");
        assert_eq!(env.os("DB_URL"), Some(OsStr::new(&url)));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = TABLE.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
