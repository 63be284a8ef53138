//! The settings of the migrator: options override the environment, which overrides the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{FILE, read};
use crate::bundle;
use crate::cli::args::migrator::Global;
use crate::cli::duration::duration;
use crate::cli::resolve::Resolve;
use crate::cli::trust;
use crate::migration::name::Layout;
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{OsUser, host_name};
use crate::sys::shown::beginning;

/// The default time to wait for another migrator.
const WAIT: Duration = Duration::from_secs(300);

/// All resolved settings, except for the connection.
pub(in crate::cli) struct Settings {
    resolve: Resolve,
    project: RunOptions,
    db_url: Option<String>,
    server: Vec<(&'static str, String)>,
    schema_file: Option<PathBuf>,
    /// The layout of new migrations.
    pub(in crate::cli) layout: Option<Layout>,
}

impl Settings {
    /// Resolves the settings. `resolve` has the environment, `variables` are the psql variables of
    /// the command line.
    pub(in crate::cli) fn new(
        resolve: Resolve,
        global: &Global,
        variables: &[String],
    ) -> Result<Self> {
        let file = read(global.config_file.as_deref(), resolve.env.project())?;
        let is_named = global.migration_dir.is_some() || resolve.env.set("MIGRATION_DIR").is_some();
        if let Some(directory) = &file.migration_dir
            && !is_named
            && global.config_file.is_none()
        {
            let root = resolve.env.path("LOCAL_DIR");
            let origin = file.origin.as_deref().unwrap_or(Path::new(FILE));
            trust::check_migrations(origin, directory, root.as_deref())?;
        }
        let text =
            |option: &Option<String>, other: &Option<String>| option.clone().or(other.clone());
        let wait = text(&global.wait, &file.wait);
        let mut server = vec![("standard_conforming_strings", "on".to_owned())];
        for (name, option, setting) in [
            ("lock_timeout", &global.lock_timeout, &file.lock_timeout),
            ("statement_timeout", &global.statement_timeout, &file.statement_timeout),
        ] {
            if let Some(text) = text(option, setting) {
                server.push((name, duration(name, &text)?.as_millis().to_string()));
            }
        }
        file.variables.keys().try_for_each(|name| check_name(name))?;
        let mut defined: Vec<(String, String)> = file.variables.into_iter().collect();
        defined.extend(variables.iter().map(|text| variable(text)).collect::<Result<Vec<_>>>()?);
        let project = RunOptions {
            bundle: resolve.bundle(global.bundle())?,
            directory: directory(&resolve, global, file.migration_dir),
            base: resolve.env.path("LOCAL_DIR").unwrap_or(current_directory()?),
            scratch: resolve.temporary_directory(),
            set: set(text(&global.migration_set, &file.migration_set))?,
            actor: format!("{}@{}", OsUser::current().name, host_name()),
            variables: defined,
            wait: wait.as_deref().map(|text| duration("wait", text)).transpose()?.unwrap_or(WAIT),
            wait_for_server: global.wait.is_some(),
            out_of_order: global.out_of_order || file.out_of_order,
            force: global.force,
        };
        let (schema_file, layout) = (file.schema_file, file.layout);
        Ok(Self { resolve, project, db_url: file.db_url, server, schema_file, layout })
    }

    pub(in crate::cli) fn project(&self) -> &RunOptions {
        &self.project
    }

    pub(in crate::cli) fn resolve(&self) -> &Resolve {
        &self.resolve
    }

    /// The start-up options of the project's sessions.
    pub(in crate::cli) fn options(&self) -> Result<Option<String>> {
        match (&self.db_url, self.resolve.project_url()?) {
            (Some(url), None) => Ok(self.of_file(url)?.get("options").map(str::to_owned)),
            _ => self.resolve.options(),
        }
    }

    /// Resolves the connection from the file of settings.
    fn of_file(&self, url: &str) -> Result<Conninfo> {
        let url = PgUrl::parse(url);
        let resolved = url.and_then(|url| Conninfo::resolve(&url, &self.resolve.libpq()));
        resolved.map_err(|error| error.context("cannot use db_url of the configuration"))
    }

    /// The file that shows the schema after each run.
    pub(in crate::cli) fn schema_file(&self) -> Option<&Path> {
        self.schema_file.as_deref()
    }

    /// Server settings for migrations.
    pub(in crate::cli) fn server(&self) -> &[(&'static str, String)] {
        &self.server
    }

    /// The connection. Exits with 3 if nothing names a database.
    pub(in crate::cli) fn connection(&self) -> Result<Conninfo> {
        let conninfo = match (&self.db_url, self.resolve.project_url()?) {
            (_, Some(_)) => self.resolve.connection()?,
            (Some(url), None) => self.of_file(url)?,
            // a service names everything that a URL would
            (None, None) if self.resolve.env.os("PGSERVICE").is_some() => {
                Conninfo::resolve(&PgUrl::parse("")?, &self.resolve.libpq())?
            }
            (None, None) => {
                return Err(Error::missing(
                    "no connection: --db-url, DB_URL and PGURL are all unset",
                )
                .hint("export DB_URL='postgresql://USER@HOST/DATABASE', or migrator -u URL")
                .hint("or set db_url in migrator.toml, or PGSERVICE"));
            }
        };
        let settings: Vec<_> =
            self.server.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = format!("migrator {}@{}", std::process::id(), host_name());
        Ok(conninfo.with_settings(&name, &settings))
    }
}

/// The options of migrations, for verbs of `database`: from the environment and `migrator.toml`.
pub(in crate::cli) fn project(
    resolve: &Resolve,
    bundle: Option<bundle::Kind>,
) -> Result<RunOptions> {
    let project = Settings::new(resolve.clone(), &Global::default(), &[])?.project;
    Ok(RunOptions { bundle, ..project })
}

/// The layout of new migrations, for verbs of `database`.
pub(in crate::cli) fn layout(resolve: &Resolve) -> Result<Option<Layout>> {
    Ok(Settings::new(resolve.clone(), &Global::default(), &[])?.layout)
}

/// The schema file, for verbs of `database`.
pub(in crate::cli) fn schema_file(resolve: &Resolve) -> Result<Option<PathBuf>> {
    Ok(Settings::new(resolve.clone(), &Global::default(), &[])?.schema_file)
}

fn directory(resolve: &Resolve, global: &Global, from_file: Option<PathBuf>) -> PathBuf {
    let env = &resolve.env;
    let below = |name, rest| env.path(name).map(|path| path.join(rest));
    (global.migration_dir.as_deref().map(crate::cli::path::absolute))
        .or_else(|| env.path("MIGRATION_DIR"))
        .or(from_file)
        .or_else(|| below("DATABASE_DIR", "migration"))
        .or_else(|| below("LOCAL_DIR", "db/migration"))
        .unwrap_or_else(|| crate::cli::path::absolute(Path::new("migration")))
}

pub(super) fn current_directory() -> Result<PathBuf> {
    std::env::current_dir().on("find", "the current directory")
}

fn set(named: Option<String>) -> Result<String> {
    let set = named.unwrap_or_else(|| "default".to_owned());
    match set.trim().is_empty() {
        true => Err(Error::missing("the migration set has no name").hint("--migration-set NAME")),
        false => Ok(set),
    }
}

/// Parses `name=value`, as psql's own `-v` does.
fn variable(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Error::missing(format!("--set {} has no value", beginning(text)))
            .hint("write --set name=value")
    })?;
    check_name(name)?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Refuses a psql variable that the migrator relies on, and a text that is no name.
fn check_name(name: &str) -> Result<()> {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name {
        let what = format!("{} is not a name for a psql variable", beginning(name));
        return Err(Error::conflict(what).hint("letters, digits and _ only"));
    }
    if name.starts_with("migrator_")
        || name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && is_special(name)
    {
        return Err(Error::conflict(format!("the psql variable {name} is reserved for db-tool"))
            .hint("choose another name"));
    }
    Ok(())
}

/// The psql variables on which the migrator relies.
fn is_special(name: &str) -> bool {
    [
        "AUTOCOMMIT",
        "ON_ERROR_STOP",
        "ON_ERROR_ROLLBACK",
        "SINGLELINE",
        "SINGLESTEP",
        "QUIET",
        "ECHO",
        "VERBOSITY",
        "SHOW_CONTEXT",
        "FETCH_COUNT",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names() {
        assert_eq!(variable("a=b = 'c'").ok(), Some(("a".to_owned(), "b = 'c'".to_owned())));
        for bad in ["a", "=b", "a b=c", "AUTOCOMMIT=off", "migrator_pid=1"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }
}
