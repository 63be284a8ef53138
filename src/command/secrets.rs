//! `database secrets`: the subcommands that need more than one call of the secret store.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::bundle::{self, Kind, Status, VERSION};
use crate::cluster::replace_file;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::secret::{KeyRing, KeySource, Store, Supply, dotenv, read_file, sealed_file};
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, Command, Environment};

/// Loads the dotenv. If the database has no bundle, applies `bundle` before. Returns the number of
/// secrets in the store afterwards.
///
/// # Errors
/// `Missing` (exit 3) without a dotenv, `Conflict` (exit 2) if the database has no bundle and should
/// get none.
pub fn load(conninfo: &Conninfo, supply: &Supply, bundle: Option<Kind>) -> Result<usize> {
    let entries = supply.entries()?.ok_or_else(|| {
        Error::missing("dotenv source is required")
            .hint("name one: --dotenv-file FILE, HECTIC_DOTENV_CONTENT or HECTIC_DOTENV_FILE")
            .hint("or set ENVIRONMENT, for $LOCAL_DIR/.env.$ENVIRONMENT")
    })?;
    if entries.is_empty() && !supply.allow_empty {
        return Err(Error::conflict("the dotenv has no entries; loading it removes all secrets")
            .hint("use --allow-empty to remove them"));
    }
    provide_store(conninfo, &supply.keys, bundle)?;
    supply.replace(&mut Store::require(conninfo, &supply.keys)?, &entries)?;
    Ok(entries.len())
}

/// Applies the bundle if the database keeps no secrets, unless it has a bundle of another version.
fn provide_store(conninfo: &Conninfo, keys: &KeySource, kind: Option<Kind>) -> Result<()> {
    if Store::open(conninfo, keys)?.is_some() {
        return Ok(());
    }
    let mut session = Session::connect(conninfo)?;
    let there = bundle::status(&mut session)?.status;
    if !matches!(there, Status::Absent | Status::Unversioned | Status::Current) {
        return Ok(());
    }
    let kind = kind.ok_or_else(|| bundle::is_off("the database keeps no secrets"))?;
    bundle::apply(&mut session, kind)?;
    tracing::info!("the database had no bundle: {kind} bundle {VERSION} applied");
    Ok(())
}

/// Seals a dotenv for the repository. Returns the path of the sealed file and the number of its
/// names.
///
/// # Errors
/// `Missing` (exit 3) without the project's key, `Conflict` if the dotenv is sealed already.
pub fn seal(file: &Path, output: Option<&Path>, keys: &KeySource) -> Result<(PathBuf, usize)> {
    let ring = keys.project_keys()?;
    let content = read_file(file)?;
    if sealed_file::is_sealed(&content) {
        return Err(Error::conflict(format!("{} is sealed already", file.display()))
            .hint("name the plain dotenv instead"));
    }
    let place = |error: Error| error.hint(format!("the file is {}", file.display()));
    let entries = dotenv::parse(&content).map_err(place)?;
    let output = output.map_or_else(|| beside(file), Path::to_owned);
    let previous = if output.exists() {
        Some(crate::sys::process::read_regular(&output).on("read", &output)?)
    } else {
        None
    };
    if previous
        .as_ref()
        .is_some_and(|content| !content.is_empty() && !sealed_file::is_sealed(content))
    {
        return Err(Error::conflict(format!(
            "{} exists, but it is not a sealed dotenv",
            output.display()
        ))
        .hint("name another file: --output FILE"));
    }
    let text = sealed_file::seal(&entries, previous.as_deref(), &ring).map_err(|error| {
        error.hint(format!(
            "the sealed file is {}; remove it to seal all values anew",
            output.display()
        ))
    })?;
    let _acting = ActingAs::controller_of(&output)?;
    replace_file(&output, &text)?;
    // the values are sealed, and every user of the repository must be able to read the file
    std::fs::set_permissions(&output, Permissions::from_mode(0o644)).on("change", &output)?;
    Ok((output, entries.len()))
}

fn beside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".sealed");
    PathBuf::from(name)
}

/// Makes a key file that teammates can share.
///
/// # Errors
/// `Conflict` if the file exists.
pub fn keygen(file: &Path) -> Result<()> {
    let _acting = ActingAs::controller_of(file)?;
    if KeyRing::create(file, None)? {
        return Ok(());
    }
    Err(Error::conflict(format!("{} exists already", file.display()))
        .hint("nothing was changed; `database secrets rotate` adds a key"))
}

/// Replaces this process by a program that gets the secrets in its environment. Returns only if
/// that fails.
pub fn run(store: &mut Store, command: &[OsString], mut environment: Environment) -> Result<Error> {
    for entry in store.all()? {
        environment.set(&entry.name, OsStr::new(entry.value.expose()));
    }
    let [program, arguments @ ..] = command else {
        return Err(Error::missing("there is no command to run"));
    };
    Ok(Command::new(program, &environment).args(arguments).replace_process())
}
