//! Clones: copies of the project's database in the development cluster, usually one for each test.
//!
//! A clone is a copy of a template database (`template`). It gets what CREATE DATABASE does not
//! copy from the project's own database. Its comment says that it is a clone, and when it may go
//! (`note`). A hint in the working directory says the same, so that the next command need not
//! connect to find out (`hint`).

mod hint;
mod name;
mod note;
mod prune;
mod server;
mod template;

use std::time::Duration;

use hint::Hints;
use server::Original;

use crate::cluster::{Layout, Running};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, Type, column};
use crate::postgres::connection::url::PgUrl;
use crate::postgres::sql::quote::{quote_ident, quote_literal};
use crate::postgres::sql::template::fill;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::process::{Patience, wait_for};
use crate::sys::shell;

pub use name::random as random_key;
pub use note::{Database, Note, Owner, Role, now};
pub use prune::{is_due, prune_layout};
pub use template::Template;

/// The content of a template without the patch file, in one word.
pub const WITHOUT_PATCH: &str = "hydrated";

/// The content of a template with the patch file.
pub const WITH_PATCH: &str = "patched";

/// The development cluster as the source of clones.
#[derive(Debug)]
pub struct CloneSource {
    running: Running,
    database: String,
    role: String,
    options: Option<String>,
}

/// A request for a clone.
#[derive(Debug, Clone, Default)]
pub struct CloneOptions {
    /// The name. Without one, db-tool makes one up.
    pub name: Option<String>,
    /// The time after which it may go.
    pub ttl: Option<Duration>,
    /// The process that it must not outlive.
    pub owner: Option<Owner>,
}

/// A clone.
#[derive(Debug, Clone)]
pub struct CloneDatabase {
    /// The name of the database.
    pub name: String,
    /// The URL of the project's role for it. It has no password.
    pub url: PgUrl,
}

/// Puts the content into the empty database of the connection.
pub type Fill<'a> = &'a mut dyn FnMut(&Conninfo) -> Result<()>;

impl CloneSource {
    /// The clones of `database`, for the project's role `role`, whose sessions have these start-up
    /// options.
    pub fn new(running: Running, database: &str, role: &str, options: Option<&str>) -> Self {
        let options = options.map(str::to_owned);
        Self { running, database: database.to_owned(), role: role.to_owned(), options }
    }

    /// The paths of the cluster.
    pub fn layout(&self) -> &Layout {
        &self.running.spec().layout
    }

    /// The template with this key and content, which may not exist yet.
    pub fn template(&self, key: &str, content: &str) -> Result<Template> {
        Template::pin(self.layout(), &self.database, key, content)
    }

    /// Whether the template exists.
    pub fn has(&self, template: &Template) -> Result<bool> {
        let mut session = server::session(&self.running)?;
        Ok(self.look(&mut session, template, "")?.is_ready)
    }

    /// Builds the template, unless another command has built it meanwhile. `name` returns the
    /// template again after the content is there: its key may depend on the cluster's key file,
    /// which the content brings.
    pub fn build(
        &self,
        template: &Template,
        fill: Fill<'_>,
        again: &mut dyn FnMut() -> Result<Template>,
    ) -> Result<Template> {
        let original = self.original();
        let _lock = template::lock(self.layout())?;
        let building = {
            if self.has(template)? {
                return again();
            }
            template::drop_unfit(&original, &template.name)?;
            template::begin(&original, &self.role)?
        };
        let connection = self.running.conninfo(&self.role, &building, self.options.as_deref());
        let filled = connection.and_then(|conninfo| fill(&conninfo));
        let built = filled.and_then(|()| {
            let template = again()?;
            template::publish(&original, &building, &template)?;
            Ok(template)
        });
        built.inspect_err(|_| self.discard(&building))
    }

    /// Makes a clone of the template. `None` if there is no such template.
    pub fn clone_of(
        &self,
        template: &Template,
        options: &CloneOptions,
    ) -> Result<Option<CloneDatabase>> {
        options.name.iter().try_for_each(|name| name::check(name))?;
        let wanted = options.name.as_deref().unwrap_or_default();
        let name = name::clone(&self.database)?;
        let mut session = server::session(&self.running)?;
        let found = self.look(&mut session, template, wanted)?;
        if found.is_taken {
            return Err(taken(wanted));
        }
        if !found.is_ready {
            return Ok(None);
        }
        let hints = Hints::of(self.layout());
        let note = self.note(options);
        let own = Note { owner: Some(Owner::ourselves()?), expires: None, ..note.clone() };
        hints.write(&name, &own)?;
        let made = self.create(&mut session, &name, template, &found.owner).and_then(|made| {
            if made {
                self.complete(&mut session, &name, (&note, options.name.as_deref()))?;
            }
            Ok(made)
        });
        drop(session);
        match made {
            Ok(true) => {}
            Ok(false) => {
                hints.remove(&name);
                return Ok(None);
            }
            Err(error) => {
                self.discard(&name);
                return Err(error);
            }
        }
        let final_name = options.name.clone().unwrap_or_else(|| name.clone());
        if !note.stays() {
            hints.write(&final_name, &note)?;
        }
        if note.stays() || final_name != name {
            hints.remove(&name);
        }
        Ok(Some(CloneDatabase { url: self.url(&final_name), name: final_name }))
    }

    /// The URL of the project's role for a database.
    pub fn url(&self, database: &str) -> PgUrl {
        self.running.url_with_options(&self.role, database, self.options.as_deref())
    }

    /// All clones and templates.
    pub fn databases(&self) -> Result<Vec<Database>> {
        server::databases(&mut server::session(&self.running)?)
    }

    /// Drops clones, and ends their sessions. Returns their names.
    ///
    /// # Errors
    /// `UnknownArgument` if one of them is no clone. Nothing is dropped then.
    pub fn drop(&self, names: &[String]) -> Result<Vec<String>> {
        let mut session = self.session_with(names, "nothing was dropped")?;
        for name in names {
            server::drop_database(&mut session, self.layout(), name)?;
        }
        Ok(names.to_vec())
    }

    /// Lets clones stay for `ttl`, whatever happens to their owner.
    ///
    /// # Errors
    /// `UnknownArgument` if one of them is no clone. Nothing has changed then.
    pub fn keep(&self, names: &[String], ttl: Duration) -> Result<()> {
        drop(self.session_with(names, "nothing has changed")?);
        names.iter().try_for_each(|name| self.keep_own(name, ttl))
    }

    /// A session, if all these clones exist. `otherwise` says what has happened to them if not.
    fn session_with(&self, names: &[String], otherwise: &str) -> Result<Session> {
        let mut session = server::session(&self.running)?;
        let all = server::databases(&mut session)?;
        let is_clone = |name: &&String| {
            all.iter().any(|database| database.name == **name && database.is(Role::Clone))
        };
        match names.iter().find(|name| !is_clone(name)) {
            None => Ok(session),
            Some(name) => {
                let what = format!("there is no clone \"{name}\"");
                Err(Error::new(Kind::UnknownArgument, what)
                    .hint(format!("`database clone list` shows them; {otherwise}")))
            }
        }
    }

    /// Drops a clone of this command, also after a signal.
    pub fn drop_own(&self, name: &str) -> Result<()> {
        let mut session = self.running.stubborn_session("postgres")?;
        server::drop_database(&mut session, self.layout(), name).map(drop)
    }

    /// Lets a clone of this command stay for `ttl`, also after a signal.
    pub fn keep_own(&self, name: &str, ttl: Duration) -> Result<()> {
        let note = self.note(&CloneOptions { ttl: Some(ttl), ..CloneOptions::default() });
        let mut session = self.running.stubborn_session("postgres")?;
        server::comment(&mut session, name, &note)?;
        Hints::of(self.layout()).write(name, &note)
    }

    /// Drops all clones that are over. Returns their names.
    pub fn prune(&self) -> Result<Vec<String>> {
        prune::prune(&mut server::session(&self.running)?, self.layout(), None)
    }

    fn original(&self) -> Original<'_> {
        Original { running: &self.running, database: &self.database }
    }

    fn look(&self, session: &mut Session, template: &Template, wanted: &str) -> Result<Found> {
        let text = |value: &str| (value.to_owned(), Type::TEXT);
        let parameters = [text(&self.database), text(&template.name), text(wanted)];
        let parameters: Vec<_> =
            parameters.iter().map(|(value, kind)| (value as _, kind.clone())).collect();
        let rows = session.query_typed(sql!("clone/original"), &parameters)?;
        let Some(row) = rows.first() else {
            let what = format!("the cluster has no database \"{}\" to clone", self.database);
            return Err(Error::conflict(what).hint("`database deploy` or `database init` makes it"));
        };
        Ok(Found {
            owner: column(row, "owner")?,
            is_ready: column(row, "is_ready")?,
            is_taken: column(row, "is_taken")?,
        })
    }

    /// Creates the copy. Returns false if somebody has just dropped the template.
    fn create(
        &self,
        session: &mut Session,
        name: &str,
        template: &Template,
        owner: &str,
    ) -> Result<bool> {
        let (name, from, owner) =
            (quote_ident(name), quote_ident(&template.name), quote_ident(owner));
        let values = [("name", &*name), ("template", &*from), ("owner", &*owner)];
        let statement = fill(sql!("clone/create"), &values);
        let mut busy = None;
        let created =
            wait_for(server::LIMIT, Patience::Interruptible, || match session.batch(&statement) {
                Ok(()) => Ok(Some(true)),
                Err(error) if server::is(&error, server::NO_SUCH_DATABASE) => Ok(Some(false)),
                Err(error) if server::is(&error, server::IN_USE) => {
                    busy = Some(error);
                    Ok(None)
                }
                Err(error) => Err(error.context("cannot clone the database")),
            })?;
        created.ok_or_else(|| {
            let error = busy.take().unwrap_or_else(|| Error::failed("it is in use"));
            error
                .context(format!("cannot copy the template {}", template.name))
                .hint("end the sessions in that database: nobody should connect to it")
        })
    }

    fn complete(
        &self,
        session: &mut Session,
        name: &str,
        (note, wanted): (&Note, Option<&str>),
    ) -> Result<()> {
        let synchronous = if note.stays() { "on" } else { "off" };
        let (quoted, note) = (quote_ident(name), note.to_comment()?);
        let (original, copy) = (quote_literal(&self.database), quote_literal(name));
        let note = quote_literal(&note);
        let values = [
            ("synchronous", synchronous),
            ("name", &*quoted),
            ("note", &*note),
            ("original", &*original),
            ("copy", &*copy),
        ];
        let mut statements = fill(sql!("clone/complete"), &values);
        if let Some(wanted) = wanted {
            statements += &format!("ALTER DATABASE {quoted} RENAME TO {};", quote_ident(wanted));
        }
        session.batch(&statements).map_err(|error| match wanted {
            Some(wanted) if server::is(&error, server::TAKEN) => taken(wanted),
            _ => error,
        })
    }

    fn note(&self, options: &CloneOptions) -> Note {
        let expires = options.ttl.map(|ttl| now().saturating_add(ttl.as_secs()));
        Note { expires, owner: options.owner, ..Note::new(Role::Clone, &self.database) }
    }

    /// Drops what an unsuccessful command has made, also after a signal. If that fails, its hint
    /// tells the next command.
    fn discard(&self, name: &str) {
        if let Err(error) = self.drop_own(name) {
            tracing::debug!("cannot drop {name}: {error}");
        }
    }
}

/// What the server knows before a clone is made.
struct Found {
    owner: String,
    is_ready: bool,
    is_taken: bool,
}

fn taken(name: &str) -> Error {
    Error::conflict(format!("there is a database \"{name}\" already"))
        .hint(format!("if it is a clone, `database clone drop {}` drops it", shell::quote(name)))
        .hint("or choose another name, or omit --name: db-tool then makes one up")
}

/// The clones and templates of a running server. Without a connection if there cannot be any.
pub fn databases(running: &Running) -> Result<Vec<Database>> {
    match running.spec().layout.clones().is_dir() {
        true => server::databases(&mut server::session(running)?),
        false => Ok(Vec::new()),
    }
}

/// The number of clones of a running server.
pub fn count(running: &Running) -> Result<usize> {
    Ok(databases(running)?.iter().filter(|database| database.is(Role::Clone)).count())
}

/// The name of the latest template of `database`: one without the patch, or else with it.
pub fn latest_template(running: &Running, database: &str) -> Result<Option<String>> {
    let all = databases(running)?.into_iter().filter_map(|found| {
        let note = found.note?;
        let is_one = note.role == Role::Template && note.database == database;
        is_one.then_some((note.content == WITHOUT_PATCH, note.made, found.name))
    });
    Ok(all.max().map(|(_, _, name)| name))
}
