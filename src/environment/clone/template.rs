//! The template databases of clones.
//!
//! A template has the content of the project, and nobody can connect to it. So CREATE DATABASE can
//! copy it at any time, whatever happens in the project's own database. Its name ends with a key of
//! everything that decides what the content is: when a source changes, the next clone gets another
//! template, and the old one is dropped.
//!
//! A template is built under another name. The last statement renames it, so that there is no half
//! template. A lock lets one command build at a time; the others wait, and find the template.
//!
//! Whoever makes clones of a template for a while holds a lock on its key, so that no other command
//! drops it.

use nix::fcntl::Flock;
use std::fs::File;

use super::hint::Hints;
use super::note::{Note, Owner, Role};
use super::server::Original;
use super::{name, server};
use crate::cluster::{Layout, Lock};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::locale::Locale;
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::postgres::sql::template::fill;
use crate::sys::error::{Error, Result};
use crate::sys::process::ActingAs;

/// The database in which `pg_cron` can be installed, besides that of `cron.database_name`.
const FOR_CRON: &str = "contrib_regression";

/// A template that may not exist yet.
#[derive(Debug)]
pub struct Template {
    /// The name of the database.
    pub name: String,
    /// Its content, in one word.
    pub content: String,
    _pin: Option<Flock<File>>,
}

impl Template {
    /// The template of `database` with this key. Until the value is dropped, no other command drops
    /// the template.
    pub fn pin(layout: &Layout, database: &str, key: &str, content: &str) -> Result<Self> {
        let name = name::template(database, key);
        let _acting = ActingAs::owner(layout.owner())?;
        crate::environment::lease::make_directory(&layout.clones())?;
        let pin = Lock::share(&pin_of(layout, &name))?;
        Ok(Self { name, content: content.to_owned(), _pin: pin })
    }
}

fn pin_of(layout: &Layout, template: &str) -> std::path::PathBuf {
    let key = template.rsplit('_').next().unwrap_or_default();
    layout.clones().join(format!("pin-{key}"))
}

/// Waits until no other command builds a template.
pub(super) fn lock(layout: &Layout) -> Result<Lock> {
    let _acting = ActingAs::owner(layout.owner())?;
    crate::environment::lease::make_directory(&layout.clones())?;
    Lock::wait(&layout.clones().join("lock"))
}

/// Creates an empty database that gets the content, and returns its name. The caller holds the lock.
pub(super) fn begin(original: &Original<'_>, owner: &str) -> Result<String> {
    let layout = original.layout();
    let mut session = server::session(original.running)?;
    drop_unfinished(&mut session, layout)?;
    let row = session.query_one(sql!("clone/building"), &[])?;
    let (has_cron, is_taken): (Option<bool>, bool) =
        (column(&row, "has_cron")?, column(&row, "is_taken")?);
    let name = match has_cron == Some(true) && !is_taken {
        true => FOR_CRON.to_owned(),
        false => name::building(original.database)?,
    };
    let locale = Locale::of(&mut original.running.session(original.database)?)?;
    let mut note = Note::new(Role::Building, original.database);
    note.owner = Some(Owner::ourselves()?);
    Hints::of(layout).write(&name, &note)?;
    let created = session.batch(&locale.create(&quote_ident(&name), &quote_ident(owner)));
    created.inspect_err(|_| Hints::of(layout).remove(&name))?;
    server::comment(&mut session, &name, &note)?;
    Ok(name)
}

/// Drops what killed commands have built. Nobody builds now.
fn drop_unfinished(session: &mut Session, layout: &Layout) -> Result<()> {
    for database in server::databases(session)? {
        if database.is(Role::Building) {
            server::drop_database(session, layout, &database.name)?;
        }
    }
    Ok(())
}

/// Makes the database a template, and drops the templates with earlier content of this kind.
pub(super) fn publish(original: &Original<'_>, building: &str, template: &Template) -> Result<()> {
    let layout = original.layout();
    let mut session = server::session(original.running)?;
    let mut note = Note::new(Role::Template, original.database);
    note.content.clone_from(&template.content);
    let (from, to) = (quote_ident(building), quote_ident(&template.name));
    let comment = quote_literal(&note.to_comment()?);
    let values = [("building", &*from), ("name", &*to), ("note", &*comment)];
    let statements = fill(sql!("clone/publish"), &values);
    let published = session.batch(&statements);
    published.map_err(|error| match server::is(&error, server::TAKEN) {
        true => taken(&template.name),
        false => error,
    })?;
    Hints::of(layout).remove(building);
    drop_earlier(&mut session, original, &note, &template.name)
}

fn taken(name: &str) -> Error {
    Error::conflict(format!("there is a database \"{name}\" that db-tool has not made"))
        .hint("rename or drop it: db-tool needs this name for the template of clones")
}

/// Drops the templates that `note` replaces. One that is in use goes the next time.
fn drop_earlier(
    session: &mut Session,
    original: &Original<'_>,
    note: &Note,
    latest: &str,
) -> Result<()> {
    let layout = original.layout();
    for database in server::databases(session)? {
        let is_earlier = database.name != latest
            && database.note.as_ref().is_some_and(|other| {
                other.role == Role::Template
                    && other.database == note.database
                    && other.content == note.content
            });
        if !is_earlier {
            continue;
        }
        drop_unless_pinned(session, layout, &database.name)?;
    }
    Ok(())
}

/// Drops a template, unless somebody uses it.
pub(super) fn drop_unless_pinned(
    session: &mut Session,
    layout: &Layout,
    template: &str,
) -> Result<()> {
    let _acting = ActingAs::owner(layout.owner())?;
    let Some(pin) = Lock::try_take(&pin_of(layout, template))? else { return Ok(()) };
    if server::drop_template(session, layout, template)? {
        pin.remove()?;
    }
    Ok(())
}

/// Drops a template with other encoding or locale than the original has now.
pub(super) fn drop_unfit(original: &Original<'_>, name: &str) -> Result<()> {
    let mut session = server::session(original.running)?;
    let all = server::databases(&mut session)?;
    if all.iter().any(|database| database.name == name && database.is(Role::Template)) {
        server::drop_template(&mut session, original.layout(), name)?;
    }
    Ok(())
}
