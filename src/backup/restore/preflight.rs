//! What can be seen of a restored data directory before its server starts.

use std::path::Path;

use super::settings::Settings;
use crate::cluster::{ClusterSpec, Preload, TABLESPACES};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};

/// The setting that names the libraries that the server loads.
const SERVER_LIBRARIES: &str = "shared_preload_libraries";
/// The setting that names libraries of a session which anybody may load.
const LOCAL_LIBRARIES: &str = "local_preload_libraries";
/// Settings that name the libraries that a session loads. It does not begin without one of them.
pub(in crate::backup) const SESSION_LIBRARIES: [&str; 2] =
    ["session_preload_libraries", LOCAL_LIBRARIES];

/// What would make the cluster follow another one, or stand in the way of a start.
const SIGNALS: [&str; 5] =
    ["recovery.signal", "standby.signal", "recovery.conf", "postmaster.pid", "postmaster.opts"];

/// The major version has to be the programs'.
pub(in crate::backup) fn check_major(data: &Path, toolchain: &Toolchain) -> Result<()> {
    let path = data.join("PG_VERSION");
    let found = crate::sys::process::read_text(&path).map_err(|_| {
        Error::failed("the backup holds no PG_VERSION, so it is no data directory")
            .hint("base.tar has to be what pg_basebackup -Ft writes")
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

/// The control file has to be of this platform; from it come settings without which the log cannot be
/// replayed. A toolchain without `pg_controldata` leaves both to the server.
pub(in crate::backup) fn check_control_file(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    settings: &mut Settings,
) -> Result<()> {
    if toolchain.path("pg_controldata").is_err() {
        return Ok(());
    }
    let command = toolchain.server_command("pg_controldata", spec.server_user.as_ref())?;
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

/// Without a log there is nothing to recover from: a restore command would have brought it.
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

/// Every tablespace of the map has to have come; the map's own places are another machine's.
pub(in crate::backup) fn check_tablespaces(data: &Path) -> Result<()> {
    let map = data.join("tablespace_map");
    let Ok(text) = crate::sys::process::read_text(&map) else { return Ok(()) };
    for oid in text.lines().filter_map(|line| line.split(' ').next()) {
        // a path with a line break continues on a line that begins with no number
        if oid.parse::<u32>().is_ok() && !data.join(TABLESPACES).join(oid).is_dir() {
            return Err(Error::failed(format!(
                "the backup has a tablespace {oid}, but there is no {oid}.tar of it"
            ))
            .hint("put it beside base.tar"));
        }
    }
    std::fs::remove_file(&map).on("remove", &map)
}

/// Libraries that the server loads have to be installed, because data may depend on them. Those that
/// only sessions load are left out when they are not.
pub(in crate::backup) fn check_libraries(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    settings: &mut Settings,
) -> Result<()> {
    if matches!(spec.preload, Preload::Set(_)) || spec.conf_file.is_some() {
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
            .hint("or set PG_SHARED_PRELOAD_LIBRARIES to what is to be loaded instead, if only to nothing"));
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

/// The libraries of a setting's `list` that are installed, and those that are not.
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

/// Removes what would let the cluster follow another one; what was there.
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
