//! Service files (manual §34.17): named sets of parameters.

use std::path::{Path, PathBuf};

use super::LibpqEnvironment;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Result};

/// The directory of the system-wide file if `PGSYSCONFDIR` is not set.
const SYSTEM_DIRECTORY: &str = "/etc/postgresql-common";

/// Fills in the parameters that `url` leaves open. The user's file overrides the system's.
///
/// # Errors
/// `Missing` if no file defines the service, `Conflict` if a file cannot be read or parsed.
pub(super) fn fill_in(url: PgUrl, service: &str, environment: &LibpqEnvironment) -> Result<PgUrl> {
    let named = environment.variable("PGSERVICEFILE").map(PathBuf::from);
    let system = environment.variable("PGSYSCONFDIR").unwrap_or(SYSTEM_DIRECTORY);
    let system = Path::new(system).join("pg_service.conf");
    let user = named.clone().or_else(|| environment.in_home(".pg_service.conf"));
    // A file that the user named must exist; the usual files need not.
    let required = named.is_some();
    let mut searched = Vec::new();
    for (file, required) in user.map(|file| (file, required)).into_iter().chain([(system, false)]) {
        if !required && !file.exists() {
            continue;
        }
        if let Some(parameters) = section(&read(&file)?, service, &file)? {
            return Ok(parameters
                .iter()
                .fold(url, |url, (key, value)| url.with_default(key, value)));
        }
        searched.push(file.display().to_string());
    }
    let places = if searched.is_empty() { "no service file".into() } else { searched.join(", ") };
    Err(Error::missing(format!("the connection's service is not defined (searched: {places})"))
        .hint("define it in ~/.pg_service.conf, or name the file in PGSERVICEFILE"))
}

fn read(file: &Path) -> Result<String> {
    let text = crate::sys::process::read_regular(file).map_err(|error| {
        let failure = Error::io("read the service file", file, &error);
        match error.kind() {
            std::io::ErrorKind::NotFound => failure.with_kind(crate::sys::error::Kind::Missing),
            _ => failure.with_kind(crate::sys::error::Kind::Conflict),
        }
    })?;
    String::from_utf8(text)
        .map_err(|_| Error::conflict(format!("service file {} is not UTF-8", file.display())))
}

/// The parameters of the first section `[service]`. If a parameter is there twice, the first value
/// counts.
fn section(text: &str, service: &str, file: &Path) -> Result<Option<Vec<(String, String)>>> {
    let mut found: Option<Vec<(String, String)>> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_prefix(service).is_some_and(|rest| rest.starts_with(']')) {
                found = Some(Vec::new());
            }
            continue;
        }
        if let Some(parameters) = &mut found {
            parameters.push(pair(line).ok_or_else(|| bad_line(file, number))?);
        }
    }
    Ok(found)
}

/// Splits `key=value`; blanks around `=` are not removed. A service cannot refer to another one.
fn pair(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let usable = key != "service" && crate::postgres::connection::url::keyword(key).is_some();
    usable.then(|| (key.to_owned(), value.to_owned()))
}

/// The error does not show the line, which may hold a password.
fn bad_line(file: &Path, number: usize) -> Error {
    Error::conflict(format!("service file {}, line {number}, is not KEYWORD=VALUE", file.display()))
        .hint("see PostgreSQL manual §34.1.2 for the keywords; no spaces around the \"=\"")
}
