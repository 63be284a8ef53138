//! The verbs of `database` about backups: they resolve values, run the command and print its
//! report.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::backup::{Backup, Compression, Taken};
use crate::bundle::inherits;
use crate::cli::args::database::{Compress, NormalizeArguments, RestoreArguments};
use crate::cli::guard::refuse_elsewhere;
use crate::cli::output::text::{size, span, timing};
use crate::cli::output::ui;
use crate::cli::path::absolute;
use crate::cli::resolve::Resolve;
use crate::cluster::{ClusterSpec, is_meant_by};
use crate::command::backup;
use crate::command::normalize_backup::{Normalize, Normalized};
use crate::command::restore::{Restore, Restored};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

pub(in crate::cli) fn run_backup(resolve: &Resolve, path: Option<PathBuf>) -> Result<()> {
    let path = place(resolve, path.as_deref())?;
    let connection = resolve.connection()?;
    let mut steps = Steps::default();
    let taken = backup::run(&resolve.client()?, &connection, &path, &mut steps)?;
    ui::status(&format!("backed up: {}{}", path.display(), timing(&steps)));
    ui::status(&contents(&taken));
    Ok(())
}

pub(in crate::cli) fn run_restore(
    resolve: &Resolve,
    flags: &RestoreArguments,
    tables: &[String],
) -> Result<()> {
    refuse_elsewhere(resolve)?;
    let backup = match &flags.archive {
        Some(file) => Backup::open_archive(&absolute(file))?,
        None => Backup::open(&place(resolve, flags.path.as_deref())?)?,
    };
    let spec = resolve.spec(resolve.layout()?)?;
    let connection = meant(resolve, &spec)?;
    let named = resolve.env.text("PG_DATABASE")?.map(str::to_owned);
    let restore = Restore {
        role: connection.as_ref().map(|conninfo| conninfo.user().to_owned()),
        options: resolve.options()?,
        database: named.or_else(|| connection.map(|conninfo| conninfo.database().to_owned())),
        toolchain: resolve.toolchain()?,
        keys: resolve.keys(),
        reindex: flags.reindex,
        backup,
        spec,
    };
    tell_age(&restore.backup, None);
    let Restored { url, changes, warnings, kept, steps } = restore.run()?;
    tell(&changes, &warnings);
    if let Some(kept) = kept {
        ui::status(&format!(
            "the old cluster was not made by db-tool: it is in {}",
            kept.display()
        ));
    }
    if !tables.is_empty() {
        inherits::check(
            &Conninfo::resolve(&PgUrl::parse(&url)?, &LibpqEnvironment::default())?,
            tables,
        )?;
    }
    ui::status(&format!("restored: {url}{}", timing(&steps)));
    resolve.watch_again()
}

/// The project's connection, if it leads to the cluster that is replaced.
fn meant(resolve: &Resolve, spec: &ClusterSpec) -> Result<Option<Conninfo>> {
    let Some((url, conninfo)) = resolve.project_url()? else { return Ok(None) };
    if is_meant_by(&spec.layout, spec.settings.port, conninfo) {
        return Ok(Some(conninfo.clone()));
    }
    let place = spec.layout.working_directory().display();
    tracing::warn!(
        "{url} does not point to the cluster in {place}, which is replaced by the backup"
    );
    Ok(None)
}

pub(in crate::cli) fn run_normalize(resolve: &Resolve, flags: NormalizeArguments) -> Result<()> {
    let path = place(resolve, flags.path.as_deref())?;
    let backup = Backup::open(&path)?;
    let output = flags.output.map_or_else(|| normalized(&path), |output| absolute(&output));
    let connection = resolve.project_connection()?;
    let user = || connection.map(|conninfo| conninfo.user().to_owned());
    let database = || connection.map(|conninfo| conninfo.database().to_owned());
    let normalize = Normalize {
        backup,
        output: output.clone(),
        private: resolve.private(None)?,
        toolchain: resolve.toolchain()?,
        role: flags.role.or_else(user),
        database: flags.database.or_else(database),
        admin_role: flags.admin_role.unwrap_or_else(|| "postgres".to_owned()),
        compression: flags.compress.map(|method| match method {
            Compress::Zstd => Compression::Zstd,
            Compress::Gzip => Compression::Gzip,
            Compress::None => Compression::None,
        }),
    };
    tell_age(&normalize.backup, None);
    let Normalized { taken, database, changes, warnings, steps } = normalize.run()?;
    tell(&changes, &warnings);
    ui::status(&format!("normalised: {}{}", output.display(), timing(&steps)));
    ui::status(&format!("{}; its main database is {database}", contents(&taken)));
    Ok(())
}

/// The directory of a backup; the default if the user named none.
pub(in crate::cli) fn place(resolve: &Resolve, path: Option<&Path>) -> Result<PathBuf> {
    path.map_or_else(|| resolve.backup_directory(), |path| Ok(absolute(path)))
}

/// The default output directory: `PATH-normalized`.
fn normalized(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push("-normalized");
    path.with_file_name(name)
}

fn contents(taken: &Taken) -> String {
    let databases = taken.sidecar.databases.keys().cloned().collect::<Vec<_>>().join(", ");
    format!("PostgreSQL {}, {}, of {databases}", taken.sidecar.server, size(taken.size))
}

/// Prints the age of a backup and the number of migrations that it lacks, if they are known.
pub(in crate::cli) fn tell_age(backup: &Backup, behind: Option<usize>) {
    let behind = match behind {
        None => String::new(),
        Some(1) => ", 1 migration behind".to_owned(),
        Some(behind) => format!(", {behind} migrations behind"),
    };
    let Some(sidecar) = backup.sidecar() else { return };
    let taken = u64::try_from(sidecar.epoch).map(Duration::from_secs).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = span(now.saturating_sub(taken));
    ui::status(&format!("the backup is {age} old{behind} (PostgreSQL {})", sidecar.server));
}

fn tell(changes: &[String], warnings: &[String]) {
    changes.iter().for_each(|change| ui::status(&format!("  {change}")));
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}
