//! `database.toml`, the project's file of settings.
//!
//! The file stands at the root of the project. The programs find it by searching upwards from the
//! current directory; if `LOCAL_DIR` is set, they look there only. Each setting stands for a
//! variable, so that every other part of the program sees one environment: a flag beats the
//! environment, which beats `.env`, which beats `database.$ENVIRONMENT.toml`, which beats
//! `database.toml`. A file of a repository is not trusted like the user's own environment: the
//! same list of refusals holds for it as for `.env` (`trust.rs`).

mod keys;
mod read;
pub(super) mod word;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) use keys::BUNDLE;
pub use keys::{KEYS, Key, Type};
pub(super) use read::read;

use crate::postgres::connection::url::{PgUrl, encode};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::OsUser;

/// The name of the file.
pub(in crate::cli) const FILE: &str = "database.toml";

/// The text of a `database.toml`, for the parts of the program that own one of its sections.
#[derive(Debug, Clone)]
pub(in crate::cli) struct ProjectFile {
    /// Its path.
    pub(in crate::cli) path: PathBuf,
    /// Its text.
    pub(in crate::cli) text: String,
}

impl ProjectFile {
    /// The section of the file that takes over an older file of settings. `None` if the file has no
    /// such section; the older file then still holds.
    ///
    /// # Errors
    /// `Conflict` if both make settings.
    pub(in crate::cli) fn section<T>(
        &self,
        name: &str,
        older: &Path,
        parse: impl FnOnce(&str) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let found = parse(&self.text)
            .map_err(|error| error.context(format!("cannot use {}", self.path.display())))?;
        if !older.exists() {
            return Ok(found);
        }
        if found.is_some() {
            return Err(Error::conflict(format!(
                "{} and [{name}] of {} both make settings",
                older.display(),
                self.path.display()
            ))
            .hint("move them all to one of the two"));
        }
        tracing::info!(
            "the settings of {} can move to [{name}] of {}",
            older.display(),
            self.path.display()
        );
        Ok(None)
    }
}

/// The settings of a file: variables with their values.
pub(super) type Settings = Vec<(&'static str, String)>;

/// Looks for the file in `from` and the directories above it. Returns the project's root.
///
/// # Errors
/// `Conflict` if the file belongs to another user, or lies in the user's home directory.
pub(super) fn discover(from: &Path, home: &Path) -> Result<Option<PathBuf>> {
    let Some(root) = from.ancestors().find(|place| is_there(&place.join(FILE))) else {
        return Ok(None);
    };
    let file = root.join(FILE);
    if std::fs::canonicalize(home).is_ok_and(|home| home == root) {
        return Err(Error::conflict(format!("{} is in your home directory", file.display()))
            .hint("a project has a directory of its own: move the file there")
            .hint("or set LOCAL_DIR to the project's root"));
    }
    let owner = file.metadata().on("read", &file)?.uid();
    let user = OsUser::current();
    // root works for the owner of the directory in which it is, and trusts no stranger's file above it
    let served = from.metadata().ok().filter(|_| user.is_root()).map(|facts| facts.uid());
    if owner != user.uid && owner != 0 && Some(owner) != served {
        return Err(Error::conflict(format!("{} belongs to another user", file.display()))
            .hint("if you trust this project, set LOCAL_DIR to its root"));
    }
    Ok(Some(root.to_owned()))
}

/// The file of an environment, such as `database.ci.toml`.
///
/// # Errors
/// `Conflict` for a name that leads out of the project.
pub(super) fn of_environment(root: &Path, environment: &str) -> Result<PathBuf> {
    let is_plain = !environment.contains('/') && !environment.starts_with('.');
    match is_plain && !environment.chars().any(char::is_control) {
        true => Ok(root.join(format!("database.{environment}.toml"))),
        false => Err(Error::conflict("ENVIRONMENT is not the name of an environment")
            .hint("it is a part of the file names .env.NAME and database.NAME.toml")),
    }
}

/// A URL whose socket directory is a relative path, with that directory below the project's root:
/// `postgresql://shop@/shop?host=focus/postgresql`.
pub(super) fn from_root(name: &str, value: &str, root: &Path) -> Option<String> {
    let url = PgUrl::parse(value).ok().filter(|_| matches!(name, "DB_URL" | "PGURL"))?;
    let host = url.get("host").filter(|host| host.contains('/') && !host.starts_with('/'))?;
    let directory = encode(root.join(host).to_str()?, "/");
    // as text, because the URL may hold a password, which is never printed again
    let (before, after) = value.split_once(&format!("host={host}"))?;
    value.contains("://").then(|| format!("{before}host={directory}{after}"))
}

/// Whether something has this name, also a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
