//! Checks of a restored data directory before its server starts.

use std::path::Path;

use super::settings::Settings;
use crate::cluster::{ClusterSpec, Preload, TABLESPACES};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};

/// The setting with the libraries that the server loads.
const SERVER_LIBRARIES: &str = "shared_preload_libraries";
/// The setting with the libraries that any session may load.
const LOCAL_LIBRARIES: &str = "local_preload_libraries";
/// The settings with libraries that a session loads. Without one of its libraries a session does
/// not begin.
pub(in crate::backup) const SESSION_LIBRARIES: [&str; 2] =
    ["session_preload_libraries", LOCAL_LIBRARIES];

/// The files that make a cluster follow another one, or prevent a start.
const SIGNALS: [&str; 5] =
    ["recovery.signal", "standby.signal", "recovery.conf", "postmaster.pid", "postmaster.opts"];

/// Checks that the backup has the major version of the programs.
pub(in crate::backup) fn check_major(data: &Path, toolchain: &Toolchain) -> Result<()> {
    let path = data.join("PG_VERSION");
    let found = crate::sys::process::read_text(&path).map_err(|_| {
        Error::failed("the backup holds no PG_VERSION, so it is no data directory")
            .hint("base.tar has to be an archive of pg_basebackup -Ft")
    })?;
    let (found, version) = (found.trim(), toolchain.version()?);
    if found == version.major.to_string() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the backup is of PostgreSQL {found}, but the programs in {} are PostgreSQL {}",
        toolchain.bindir().display(),
        version.major
    ))
    .hint(format!("use the programs of PostgreSQL {found}: set PG_BINDIR")))
}

/// Checks that the control file is of this platform. Takes from it the settings without which the
/// server cannot replay the WAL. Without `pg_controldata`, the server makes the check.
pub(in crate::backup) fn check_control_file(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    settings: &mut Settings,
) -> Result<()> {
    if toolchain.path("pg_controldata").is_err() {
        return Ok(());
    }
    let command = toolchain.server_command("pg_controldata", spec.settings.server_user.as_ref())?;
    let told = command.arg(spec.layout.data()).capture()?;
    if told.to_lowercase().contains("warning: ") {
        return Err(Error::failed("the backup's control file is damaged or of another platform")
            .detail(told.lines().take(5).collect::<Vec<_>>().join("\n"))
            .hint(
                "a physical backup suits the architecture it was taken on; use pg_dump between two",
            ));
    }
    let prepared = value(&told, "max_prepared_xacts setting:").filter(|number| *number != "0");
    if let Some(number) = prepared {
        settings.set_default("max_prepared_transactions", number);
    }
    Ok(())
}

fn value<'a>(told: &'a str, name: &str) -> Option<&'a str> {
    told.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Checks that the backup has WAL: db-tool removes the restore command that would fetch it.
pub(in crate::backup) fn check_log(data: &Path) -> Result<()> {
    let is_segment = |name: &str| name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let entries = std::fs::read_dir(data.join("pg_wal")).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    if names.any(|name| name.to_str().is_some_and(is_segment)) {
        return Ok(());
    }
    Err(Error::failed("the backup holds no WAL, so it cannot become consistent")
        .hint("put pg_wal.tar beside base.tar, or take the backup with -X stream or -X fetch"))
}

/// Checks that all tablespaces of the map were in the backup. The paths in the map are of another
/// machine.
pub(in crate::backup) fn check_tablespaces(data: &Path) -> Result<()> {
    let map = data.join("tablespace_map");
    let Ok(text) = crate::sys::process::read_text(&map) else { return Ok(()) };
    for oid in text.lines().filter_map(|line| line.split(' ').next()) {
        // a path with a line break continues on a line that does not begin with a number
        if oid.parse::<u32>().is_ok() && !data.join(TABLESPACES).join(oid).is_dir() {
            return Err(Error::failed(format!(
                "the backup has a tablespace {oid}, but there is no {oid}.tar of it"
            ))
            .hint("put it beside base.tar"));
        }
    }
    std::fs::remove_file(&map).on("remove", &map)
}

/// Checks that the libraries which the server loads are installed, because data may depend on them.
/// Leaves out missing libraries that only sessions load.
pub(in crate::backup) fn check_libraries(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    settings: &mut Settings,
) -> Result<()> {
    if matches!(spec.settings.preload, Preload::Set(_)) || spec.settings.conf_file.is_some() {
        settings.remove(SERVER_LIBRARIES);
    }
    let list = settings.get(SERVER_LIBRARIES).unwrap_or_default();
    if let Some(absent) = sort(toolchain, SERVER_LIBRARIES, &list).1.first() {
        let place = toolchain.bindir().display();
        let error = format!(
            "the backup's {SERVER_LIBRARIES} has {absent}, which is not installed for {place}"
        );
        return Err(Error::new(Kind::ProgramMissing, error)
            .hint("install the library")
            .hint("or set PG_SHARED_PRELOAD_LIBRARIES to the libraries to load instead, or to an empty list"));
    }
    for name in SESSION_LIBRARIES {
        let list = settings.get(name).unwrap_or_default();
        let (present, absent) = sort(toolchain, name, &list);
        if !absent.is_empty() {
            settings.keep_of_list(name, &present, &absent);
        }
    }
    Ok(())
}

/// Splits the libraries of `setting` into those that are installed and those that are not.
pub(in crate::backup) fn sort<'a>(
    toolchain: &Toolchain,
    setting: &str,
    list: &'a str,
) -> (Vec<&'a str>, Vec<&'a str>) {
    names(list).partition(|library| {
        let is_local = setting == LOCAL_LIBRARIES && !library.contains('/');
        toolchain.has_library(&format!("{}{library}", if is_local { "plugins/" } else { "" }))
    })
}

/// The names in a list of libraries.
pub(in crate::backup) fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty())
}

/// Removes the files that make the cluster follow another one. Returns their names.
pub(in crate::backup) fn remove_signals(data: &Path) -> Result<Vec<&'static str>> {
    let mut removed = Vec::new();
    for name in SIGNALS {
        let path = data.join(name);
        if path.exists() {
            std::fs::remove_file(&path).on("remove", &path)?;
            removed.push(name);
        }
    }
    Ok(removed)
}
