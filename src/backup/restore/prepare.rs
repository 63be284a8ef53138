//! From the archives of a backup to a server of one's own, proven and tamed.
//!
//! The place is whatever the caller's `ClusterSpec` says and nobody else uses: a private directory of
//! a `Throwaway`, or a `Replacement` directory. While the cluster is prepared, its settings end with a few
//! that keep jobs and replication asleep; `Prepared::release` takes them out.

use super::live::Findings;
use super::preflight;
use super::settings::Settings;
use super::{Requirements, live, start};
use crate::backup::Backup;
use crate::backup::read::whole;
use crate::backup::read::whole::Target;
use crate::backup::restore::superuser;
use crate::cluster::conf::{Conf, HBA};
use crate::cluster::layout::MARKER;
use crate::cluster::{ClusterSpec, Preload, Running, replace_file, superuser_of};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{IoContext, Result};
use crate::sys::steps::Steps;

/// The library whose jobs must not run before they are switched off.
const CRON: &str = "pg_cron";

/// A restored cluster that runs.
#[derive(Debug)]
pub struct Prepared {
    /// Its server.
    pub running: Running,
    /// What was changed, a sentence each.
    pub changes: Vec<String>,
    /// What somebody should do something about, a sentence each.
    pub warnings: Vec<String>,
    /// Its `postgresql.conf` for later.
    conf: String,
}

impl Prepared {
    /// Takes out the settings that keep jobs and replication asleep; the next start goes without them.
    pub fn release(&self) -> Result<()> {
        let spec = self.running.spec();
        let path = spec.layout.data().join("postgresql.conf");
        let _acting = spec.act()?;
        replace_file(&path, &self.conf)
    }
}

/// Restores `backup` into the place that `spec` names, in which there is nothing, and starts a server
/// there, with every check and change that `backup` promises.
pub fn restore_into(
    backup: &Backup,
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    required: &Requirements<'_>,
    steps: &mut Steps,
) -> Result<Prepared> {
    let data = spec.layout.data();
    steps.run("extract", || {
        let target = Target { data: &data, owner: spec.server_user.as_ref() };
        whole::read(backup, backup.manifest()?, Some(target))
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
    Ok(Prepared { running, changes, warnings, conf })
}

/// Looks at everything that can be seen without a server, and writes the settings; the text of those
/// for later.
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
    let conf = match &spec.conf_file {
        Some(_) => spec.own_settings()?,
        // below our block, so that the backup's own settings count
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

/// The settings of a cluster that is being prepared.
fn asleep(spec: &ClusterSpec, settings: &Settings) -> String {
    let list = match &spec.preload {
        Preload::Set(list) => list.clone(),
        Preload::Default => settings.get("shared_preload_libraries").unwrap_or_default(),
    };
    let libraries = preflight::names(&list).filter(|library| *library != CRON);
    let libraries = libraries.collect::<Vec<_>>().join(",").replace('\'', "''");
    format!("shared_preload_libraries = '{libraries}'\nmax_logical_replication_workers = 0\n")
}

/// Who may be a superuser in the backup, the likeliest first. The marker of a cluster that this tool
/// made says it, and goes: it is another cluster's.
fn candidates(backup: &Backup, spec: &ClusterSpec) -> Result<Vec<String>> {
    let _acting = spec.act()?;
    let data = spec.layout.data();
    let marked = superuser_of(&data);
    let _ = std::fs::remove_file(data.join(MARKER));
    let described = backup.sidecar().and_then(|sidecar| sidecar.superuser);
    let mut names = vec![spec.superuser.clone()];
    names.extend(marked.into_iter().chain(described));
    names.push("postgres".to_owned());
    names.dedup();
    Ok(names)
}
