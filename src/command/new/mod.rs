//! `database new`: a project that passes `check` at once, empty or from an existing database.

mod baseline;
mod existing;
mod sources;

use std::path::{Path, PathBuf};

pub use existing::{Description, Existing};

use crate::environment::private::PrivateClusterSpec;
use crate::migration::create::NewMigration;
use crate::migration::name::Layout;
use crate::postgres::connection::url::encode;
use crate::postgres::toolchain::Toolchain;
use crate::project::new;
use crate::project::new::{NewFile, Settings, Written};
use crate::sys::error::{Error, Kind, Result};
use sources::Sources;

/// The arguments of `new`.
#[derive(Debug)]
pub struct New {
    /// The project's root.
    pub root: PathBuf,
    /// The user's home directory, which is no project.
    pub home: PathBuf,
    /// Whether to write a flake.
    pub with_nix: bool,
}

/// A new project.
#[derive(Debug)]
pub struct Created {
    /// Its root.
    pub root: PathBuf,
    /// Its files.
    pub written: Written,
    /// The project that it is below of.
    pub above: Option<PathBuf>,
    /// The name of its baseline migration.
    pub baseline: Option<String>,
}

impl New {
    /// Writes an empty project, all of it or nothing.
    pub fn empty(&self) -> Result<Created> {
        let root = self.place()?;
        let settings = Settings::named(&new::name_of(&root));
        write(root, new::empty(&settings, self.with_nix), None)
    }

    /// Checks that a project can be made in the directory, as far as that is known before the
    /// existing database is read.
    pub fn check(&self) -> Result<()> {
        let root = self.place()?;
        new::check_place(&root, &new::empty(&Settings::named("app"), self.with_nix))
    }

    /// Writes the project of an existing database.
    pub fn taken(&self, description: &Description) -> Result<Created> {
        let root = self.place()?;
        let sources = Sources::of(description);
        let mut files = new::settings(&settings(&root, description), self.with_nix);
        files.push(test(description));
        files.extend(sources.files());
        let (name, migration) = migration(&root, &sources, description)?;
        files.extend(migration);
        write(root, files, Some(name))
    }

    fn place(&self) -> Result<PathBuf> {
        let root = new::resolved(&self.root);
        if root.to_str().is_none() {
            return Err(Error::conflict(format!("{} is not valid UTF-8", root.display()))
                .hint("a URL has to name the directory of the cluster: choose another name"));
        }
        if root == new::resolved(&self.home) {
            return Err(Error::conflict(format!("{} is your home directory", root.display()))
                .hint("a project has a directory of its own: database new DIR"));
        }
        Ok(root)
    }
}

fn write(root: PathBuf, files: Vec<NewFile>, baseline: Option<String>) -> Result<Created> {
    let written = new::write(&root, &files)?;
    let above = new::project_above(&root).map(Path::to_owned);
    Ok(Created { root, written, above, baseline })
}

fn settings(root: &Path, description: &Description) -> Settings {
    let database = match description.name.as_str() {
        // a cluster has a database of this name already
        "postgres" => new::name_of(root),
        name => name.to_owned(),
    };
    let preload = description.preload.iter();
    Settings {
        role: encode(&description.owner, ""),
        database: encode(&database, ""),
        preload: preload.filter(|name| description.has_extension(name)).cloned().collect(),
        bundle: Some(if description.has_parents { "full" } else { "history" }),
        ignored: ignored(description),
    }
}

/// The differences to the existing database that cannot be avoided, with the reasons.
fn ignored(description: &Description) -> Vec<(String, &'static str)> {
    let subscriptions = description.subscriptions.iter();
    let mut ignored: Vec<(String, &'static str)> = subscriptions
        .map(|name| (format!("subscription {name}"), "it holds the password of the other database"))
        .collect();
    if description.has_user_mappings() {
        ignored.push(("user mapping *".to_owned(), "its options may hold a password"));
    }
    let settings = description.custom_settings.iter();
    ignored.extend(settings.map(|name| (format!("* setting *{name}"), "it may be a secret")));
    if description.has_jobs {
        ignored.push(("cron job *".to_owned(), "jobs are not taken over"));
    }
    if description.has_large_objects {
        ignored.push(("large objects *".to_owned(), "they are data, which is not taken over"));
    }
    // no statement changes the owner of an extension
    let of_others = description.extensions.iter().filter(|(_, is_owned)| !is_owned);
    ignored.extend(of_others.map(|(name, _)| {
        (format!("extension {name}"), "an extension belongs to the role that makes it")
    }));
    if !description.has_bundle {
        let reason = "that database gets the migration history with `migrator baseline`";
        ignored.push(("bundle hectic".to_owned(), reason));
    }
    ignored
}

fn test(description: &Description) -> NewFile {
    let text = include_str!("../../../nix/new/db/test/schema.sql");
    let text = text.replace("@tables@", &description.tables.to_string());
    NewFile::new("db/test/test.sql", text)
}

fn migration(
    root: &Path,
    sources: &Sources,
    description: &Description,
) -> Result<(String, [NewFile; 2])> {
    let new =
        NewMigration { description: "baseline", version: None, layout: Some(Layout::Directory) };
    let path = new.path(&root.join("db/migration"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (up, down) = (baseline::up(sources), baseline::down(description));
    let file = |file, text| NewFile::new(format!("db/migration/{name}/{file}.sql"), text);
    let files = [file("up", up), file("down", down)];
    Ok((name, files))
}

/// Checks that the server here can make all extensions.
///
/// # Errors
/// `ProgramMissing` (exit 127) that names every missing extension.
pub fn check_extensions(
    description: &Description,
    private: &PrivateClusterSpec,
    toolchain: &Toolchain,
) -> Result<()> {
    if description.extensions.is_empty() {
        return Ok(());
    }
    let available = private.places.attempt(|| {
        private.start(toolchain)?.use_up(|cluster| {
            existing::list(&mut cluster.superuser()?, sql!("new/available-extensions"), "name")
        })
    })?;
    let wanted = description.extensions.iter().map(|(name, _)| name);
    let missing: Vec<&str> =
        wanted.filter(|name| !available.contains(name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = if missing.len() == 1 { "an extension" } else { "extensions" };
    Err(Error::new(
        Kind::ProgramMissing,
        format!("the database needs {what} that PostgreSQL in {} lacks: {}", toolchain.bindir().display(), missing.join(", ")),
    )
    .hint("install the packages of these extensions for that PostgreSQL, or set PG_BINDIR to one that has them")
    .hint("nothing was written"))
}
