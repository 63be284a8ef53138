//! Restores a backup into a running cluster, and proves and tames it.
//!
//! The caller's `ClusterSpec` names the place, which nobody else uses: the private directory of a
//! `Throwaway`, or the build directory of a `Replacement`. While the cluster is prepared, its
//! configuration ends with a few settings that keep jobs and replication from running.
//! `FinalConf::install` removes these settings.

use super::live::Findings;
use super::preflight;
use super::settings::Settings;
use super::{Requirements, live, start};
use crate::backup::Backup;
use crate::backup::read::archives;
use crate::backup::read::archives::Target;
use crate::backup::read::manifest::Manifest;
use crate::backup::restore::superuser;
use crate::cluster::conf::{Conf, HBA};
use crate::cluster::layout::MARKER;
use crate::cluster::space;
use crate::cluster::{ClusterSpec, Preload, Running, replace_file, superuser_of};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{IoContext, Result};
use crate::sys::steps::Steps;

/// The library whose jobs must be switched off before they run.
const CRON: &str = "pg_cron";

/// A restored cluster that runs.
#[derive(Debug)]
pub struct Prepared {
    /// The server.
    pub running: Running,
    /// The changes, one sentence each.
    pub changes: Vec<String>,
    /// The problems that the user has to solve, one sentence each.
    pub warnings: Vec<String>,
    /// The configuration after the preparation.
    pub conf: FinalConf,
}

/// The text of `postgresql.conf` after the preparation.
#[derive(Debug)]
pub struct FinalConf(String);

impl FinalConf {
    /// Writes the file without the settings that keep jobs and replication from running. The next
    /// start is the first without them.
    pub fn install(&self, running: &Running) -> Result<()> {
        let spec = running.spec();
        let path = spec.layout.data().join("postgresql.conf");
        let _acting = spec.act()?;
        replace_file(&path, &self.0)
    }
}

/// Restores `backup` into the place that `spec` names, which must be empty, and starts a server
/// there. Makes all checks and changes of a restore.
pub fn restore_into(
    backup: &Backup,
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    required: &Requirements<'_>,
    steps: &mut Steps,
) -> Result<Prepared> {
    let data = spec.layout.data();
    steps.run("extract", || {
        let target = Target { data: &data, owner: spec.settings.server_user.as_ref() };
        let manifest = backup.manifest()?;
        // without a manifest, only the size of the archives is known
        let bytes = manifest.as_ref().map_or_else(|| backup.size(), Manifest::size);
        space::require(data.parent().unwrap_or(&data), bytes, "the restored cluster")?;
        archives::read(backup, manifest, Some(target))
    })?;
    let mut changes = Vec::new();
    let conf = configure(spec, toolchain, &mut changes)?;
    let candidates = candidates(backup, spec)?;
    let running = steps.run("recover", || {
        let running = start(spec, toolchain)?;
        superuser::ensure(running, &candidates, spec, toolchain)
    })?;
    let adapted = steps.run("adapt", || live::adapt(&running, toolchain, required));
    let Findings { changes: more, warnings } = adapted.map_err(|e| running.with_log(e))?;
    changes.extend(more);
    Ok(Prepared { running, changes, warnings, conf: FinalConf(conf) })
}

/// Makes the checks that need no server, and writes the settings. Returns the text of
/// `postgresql.conf` after the preparation.
fn configure(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    changes: &mut Vec<String>,
) -> Result<String> {
    let _acting = spec.act()?;
    let data = spec.layout.data();
    preflight::check_major(&data, toolchain)?;
    preflight::check_log(&data)?;
    preflight::check_tablespaces(&data)?;
    let mut settings = Settings::read(&data);
    preflight::check_libraries(spec, toolchain, &mut settings)?;
    preflight::check_control_file(spec, toolchain, &mut settings)?;
    for name in preflight::remove_signals(&data)? {
        if name.ends_with(".signal") {
            changes.push(format!("removed {name}"));
        }
    }
    if !settings.left_out.is_empty() {
        changes.push(format!("left out of the settings: {}", settings.left_out.join(", ")));
    }
    let conf = match &spec.settings.conf_file {
        Some(_) => spec.own_settings()?,
        // below db-tool's block, so that the settings of the backup override it
        None => format!("{}{}", Conf::default().written_into(""), settings.text()),
    };
    let asleep = format!("{conf}\n{}", asleep(spec, &settings));
    for (name, text) in [
        ("postgresql.conf", asleep.as_str()),
        ("postgresql.auto.conf", ""),
        ("pg_hba.conf", HBA),
        ("pg_ident.conf", ""),
    ] {
        replace_file(&data.join(name), text)?;
    }
    std::fs::create_dir_all(spec.layout.logs()).on("create", spec.layout.logs())?;
    Ok(conf)
}

/// The additional settings while the cluster is prepared.
fn asleep(spec: &ClusterSpec, settings: &Settings) -> String {
    let list = match &spec.settings.preload {
        Preload::Set(list) => list.clone(),
        Preload::Default => settings.get("shared_preload_libraries").unwrap_or_default(),
    };
    let libraries = preflight::names(&list).filter(|library| *library != CRON);
    let libraries = libraries.collect::<Vec<_>>().join(",").replace('\'', "''");
    format!("shared_preload_libraries = '{libraries}'\nmax_logical_replication_workers = 0\n")
}

/// The likely superusers of the backup, the likeliest first. The marker of a cluster that db-tool
/// made names its superuser. This function then removes the marker, because it belongs to another
/// cluster.
fn candidates(backup: &Backup, spec: &ClusterSpec) -> Result<Vec<String>> {
    let _acting = spec.act()?;
    let data = spec.layout.data();
    let marked = superuser_of(&data);
    let _ = std::fs::remove_file(data.join(MARKER));
    let described = backup.sidecar().and_then(|sidecar| sidecar.superuser);
    let mut names = vec![spec.settings.superuser.clone()];
    names.extend(marked.into_iter().chain(described));
    names.push("postgres".to_owned());
    names.dedup();
    Ok(names)
}
