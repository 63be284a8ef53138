//! `database normalize-backup`: a backup adapted for the team and packed again.

use std::path::{Path, PathBuf};

use crate::backup::{Backup, Compression, Requirements, Take, Taken, admit};
use crate::cluster::Running;
use crate::environment::private::{PrivateClusterSpec, Restored};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};
use crate::sys::steps::Steps;

/// The arguments of `normalize-backup`.
#[derive(Debug)]
pub struct Normalize {
    /// The backup; it is only read.
    pub backup: Backup,
    /// The place of the result.
    pub output: PathBuf,
    /// The private cluster.
    pub private: PrivateClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The role that owns the database and may log in.
    pub role: Option<String>,
    /// The main database.
    pub database: Option<String>,
    /// A superuser that may log in.
    pub admin_role: String,
    /// The compression of the result. `None` means the one of the backup.
    pub compression: Option<Compression>,
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
    /// Normalises the backup. Removes the private cluster in any case.
    pub fn run(&self) -> Result<Normalized> {
        check_apart(self.backup.directory(), &self.output)?;
        self.private.places.attempt(|| self.attempt())
    }

    fn attempt(&self) -> Result<Normalized> {
        let mut steps = Steps::default();
        let required = Requirements {
            database: self.database.as_deref(),
            reindex: true,
            ..Default::default()
        };
        let restored =
            self.private.restore(&self.backup, &self.toolchain, &required, &mut steps)?;
        let Restored { cluster, conf, mut changes, warnings } = restored;
        // the new backup holds the configuration that a restored cluster goes on with
        let packed = conf
            .install(cluster.running())
            .and_then(|()| self.adapt_and_pack(cluster.running(), &mut changes, &mut steps));
        match packed {
            Ok((taken, database)) => {
                steps.run("stop", || cluster.remove())?;
                Ok(Normalized { taken, database, changes, warnings, steps })
            }
            Err(error) => Err(cluster.failed(error)),
        }
    }

    fn adapt_and_pack(
        &self,
        running: &Running,
        changes: &mut Vec<String>,
        steps: &mut Steps,
    ) -> Result<(Taken, String)> {
        let database = self.database(running)?;
        steps.run("roles", || {
            self.provide_roles(running, &database, changes)?;
            let role = self.role.as_ref().unwrap_or(&self.admin_role);
            admit(running, (role, &database), None, changes)
        })?;
        let conninfo = running.conninfo(&running.spec().settings.superuser, &database, None)?;
        let compressions = match (self.compression, self.backup.compression()?) {
            (Some(chosen), _) => vec![chosen],
            (None, Some(found)) => found.like(),
            (None, None) => Compression::BEST.to_vec(),
        };
        let take = Take {
            compressions: &compressions,
            toolchain: &self.toolchain,
            conninfo: &conninfo,
            path: &self.output,
            database_name: Some(&database),
        };
        Ok((take.run(steps)?, database))
    }

    /// The database that the user named, else the only one.
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
        let mut session =
            running.undisturbed_session(&running.spec().settings.superuser, database)?;
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
