//! `database normalize-backup`: a backup adapted for the team and packed again.

use std::path::{Path, PathBuf};

use crate::backup::{Backup, Prepared, Requirements, Take, Taken, admit, restore_into};
use crate::cluster::{ClusterSpec, Running, Throwaway};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::steps::Steps;

/// The arguments of `normalize-backup`.
#[derive(Debug)]
pub struct Normalize {
    /// The backup; it is only read.
    pub backup: Backup,
    /// Where the result goes.
    pub output: PathBuf,
    /// The private cluster; its layout is replaced.
    pub spec: ClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The directory in which the private cluster is made.
    pub parent: PathBuf,
    /// Where private clusters are registered.
    pub registry: PathBuf,
    /// The role that owns the database and may log in.
    pub role: Option<String>,
    /// The main database.
    pub database: Option<String>,
    /// A superuser that may log in.
    pub admin_role: String,
}

/// A backup that was normalised.
#[derive(Debug)]
pub struct Normalized {
    /// The new backup.
    pub taken: Taken,
    /// The main database.
    pub database: String,
    /// The changes that the restore made, a sentence each.
    pub changes: Vec<String>,
    /// Problems that the user has to solve, a sentence each.
    pub warnings: Vec<String>,
    /// The steps.
    pub steps: Steps,
}

impl Normalize {
    /// Normalises. The private cluster is removed whatever happens.
    pub fn run(mut self) -> Result<Normalized> {
        check_apart(self.backup.directory(), &self.output)?;
        let place = Throwaway::claim(&self.parent, &self.registry, self.spec.server_user.as_ref())?;
        self.spec.layout = place.layout().clone();
        let mut steps = Steps::default();
        match self.adapt_and_pack(&mut steps) {
            Ok((taken, database, changes, warnings)) => {
                steps.run("stop", || place.remove())?;
                Ok(Normalized { taken, database, changes, warnings, steps })
            }
            Err(error) => Err(match place.remove() {
                Ok(()) => error,
                Err(also) => error.detail(format!("and the private cluster stays: {also}")),
            }),
        }
    }

    fn adapt_and_pack(
        &self,
        steps: &mut Steps,
    ) -> Result<(Taken, String, Vec<String>, Vec<String>)> {
        let wanted = Requirements { role: None, database: self.database.as_deref(), reindex: true };
        let prepared = restore_into(&self.backup, &self.spec, &self.toolchain, &wanted, steps)?;
        // what is packed is what a restored cluster goes on with
        prepared.release()?;
        let Prepared { running, mut changes, warnings, .. } = prepared;
        let database = self.database(&running)?;
        steps.run("roles", || {
            self.provide_roles(&running, &database, &mut changes)?;
            let role = self.role.as_ref().unwrap_or(&self.admin_role);
            admit(&running, role, &database, &mut changes)
        })?;
        let conninfo = Conninfo::resolve(
            &running.url(&running.spec().superuser, &database),
            &LibpqEnvironment::default(),
        )?;
        let take = Take {
            toolchain: &self.toolchain,
            conninfo: &conninfo,
            path: &self.output,
            database_name: Some(&database),
        };
        Ok((take.run(steps)?, database, changes, warnings))
    }

    /// The database that counts: the one that was named, else the only one.
    fn database(&self, running: &Running) -> Result<String> {
        if let Some(name) = self.database.clone().or_else(|| self.backup.database_name()) {
            return Ok(name);
        }
        let mut names = running.databases()?;
        names.retain(|name| name != "postgres");
        match names.as_slice() {
            [] => Ok("postgres".to_owned()),
            [name] => Ok(name.clone()),
            several => Err(Error::conflict(format!(
                "the backup has several databases: {}",
                several.join(", ")
            ))
            .hint("say which one counts with --database")),
        }
    }

    fn provide_roles(
        &self,
        running: &Running,
        database: &str,
        changes: &mut Vec<String>,
    ) -> Result<()> {
        let mut session = running.undisturbed_session(&running.spec().superuser, database)?;
        let mut provide = |role: &str, what: &str| -> Result<()> {
            let exists = sql!("cluster/role-exists");
            let row = session.query_one(exists, &[&role])?;
            let there: bool = crate::postgres::connection::session::column(&row, "found")?;
            let verb = if there { "ALTER" } else { "CREATE" };
            session.batch(&format!("{verb} ROLE {} {what}", quote_ident(role)))?;
            changes.push(format!("the role {role} may now log in ({what})"));
            Ok(())
        };
        provide(&self.admin_role, "LOGIN SUPERUSER")?;
        if let Some(role) = &self.role {
            provide(role, "LOGIN")?;
            let (name, owner) = (quote_ident(database), quote_ident(role));
            session.batch(&format!("ALTER DATABASE {name} OWNER TO {owner}"))?;
            changes.push(format!("{role} owns the database {database}"));
        }
        Ok(())
    }
}

/// Neither directory may be, or hold, the other.
fn check_apart(input: &Path, output: &Path) -> Result<()> {
    let (from, to) = (real(input), real(output));
    if !from.starts_with(&to) && !to.starts_with(&from) {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the output {} and the backup {} are one or lie in each other",
        output.display(),
        input.display()
    ))
    .hint("name another directory with --output"))
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let found =
        path.ancestors().find_map(|known| Some((known, std::fs::canonicalize(known).ok()?)));
    match found {
        Some((known, real)) => {
            path.strip_prefix(known).map_or(real.clone(), |rest| real.join(rest))
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_and_output_stay_apart() {
        let place = tempfile::tempdir().expect("temporary directory");
        let one = place.path().join("one");
        std::fs::create_dir(&one).expect("made");
        std::os::unix::fs::symlink(&one, place.path().join("link")).expect("linked");
        for output in ["one", "one/below", ".", "link", "link/below", "one/."] {
            assert!(check_apart(&one, &place.path().join(output)).is_err(), "{output}");
        }
        for output in ["two", "one-normalized", "two/one"] {
            assert!(check_apart(&one, &place.path().join(output)).is_ok(), "{output}");
        }
    }
}
