//! Clones of a project's database, with its content.

use super::{Content, Progress};
use crate::environment::clone::{
    CloneDatabase, CloneOptions, CloneSource, Template, WITH_PATCH, WITHOUT_PATCH, random_key,
};
use crate::environment::development::{Development, Plan};
use crate::postgres::connection::conninfo::Conninfo;
use crate::project::closure::Obstacle;
use crate::sys::error::{Error, Result};
use crate::sys::steps::Steps;

/// The most templates that a command builds for one clone. Another command may drop a template when
/// a source changes.
const ATTEMPTS: usize = 5;

/// The development cluster, and the content that clones in it get.
#[derive(Debug)]
pub struct Clones {
    source: CloneSource,
    development: Development,
    plan: Plan,
    content: Content,
}

/// The keys of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keys {
    /// The key of the content.
    content: String,
    /// The same, together with the key that seals the secrets.
    sealed: String,
    /// Whether they stand for a content that is known.
    known: bool,
}

impl Clones {
    /// Finds the server.
    ///
    /// # Errors
    /// `Conflict` if it does not run.
    pub fn open(development: Development, content: Content) -> Result<Self> {
        let running = development.running()?;
        let plan = development.plan()?;
        let database = &development.spec.settings.database;
        let options = development.options.as_deref();
        let source = CloneSource::new(running, database, plan.role(), options);
        Ok(Self { source, development, plan, content })
    }

    /// The server's side of it.
    pub fn source(&self) -> &CloneSource {
        &self.source
    }

    /// Provides the template of the project as it is now. Until the value is dropped, no other
    /// command drops the template.
    pub fn prepare(&self) -> Result<Template> {
        let keys = self.keys_or_warn()?;
        let template = self.template(&keys)?;
        if self.source.has(&template)? { Ok(template) } else { self.build(&keys, &template) }
    }

    /// Makes a clone of a template that was prepared.
    pub fn clone_of(&self, template: &Template, options: &CloneOptions) -> Result<CloneDatabase> {
        self.source.clone_of(template, options)?.ok_or_else(|| {
            Error::failed(format!("the template {} is gone", template.name))
                .hint("somebody has dropped it, or replaced the cluster; run the command again")
        })
    }

    /// Makes a clone of the project as it is now.
    pub fn make(&self, options: &CloneOptions) -> Result<CloneDatabase> {
        let keys = self.keys_or_warn()?;
        let mut template = self.template(&keys)?;
        for _ in 0..ATTEMPTS {
            if let Some(clone) = self.source.clone_of(&template, options)? {
                return Ok(clone);
            }
            template = self.build(&keys, &template)?;
        }
        self.clone_of(&template, options)
    }

    fn build(&self, keys: &Keys, template: &Template) -> Result<Template> {
        let mut fill = |conninfo: &Conninfo| self.fill(conninfo);
        let mut again = || self.template_after(keys);
        self.source.build(template, &mut fill, &mut again)
    }

    fn fill(&self, conninfo: &Conninfo) -> Result<()> {
        let toolchain = &self.development.toolchain;
        let mut steps = Steps::default();
        self.content
            .apply(toolchain, conninfo, Progress::Prepared, &mut |_| Ok(()), &mut steps)
            .map_err(explained)
            .map_err(|error| error.context("cannot make the template of clones"))
    }

    fn template(&self, keys: &Keys) -> Result<Template> {
        let word = if self.content.patch.is_some() { WITH_PATCH } else { WITHOUT_PATCH };
        self.source.template(&keys.sealed, word)
    }

    /// The template after its content was put in place. If the project has changed meanwhile, nobody
    /// knows what the template has, so nobody may find it by its key.
    fn template_after(&self, before: &Keys) -> Result<Template> {
        match self.keys() {
            Ok(keys) if keys.content == before.content => self.template(&keys),
            Err(_) if !before.known => self.template(before),
            _ => self.template(&unknown()?),
        }
    }

    fn keys(&self) -> std::result::Result<Keys, Obstacle> {
        let foundation = self.development.foundation(&self.plan, self.content.bundle);
        let state = self.content.state_in_cluster(&foundation)?;
        Ok(state.map_or_else(
            || Keys { content: String::new(), sealed: "0".repeat(12), known: true },
            |state| Keys { content: state.key, sealed: state.sealed_key, known: true },
        ))
    }

    fn keys_or_warn(&self) -> Result<Keys> {
        match self.keys() {
            Ok(keys) => Ok(keys),
            Err(Obstacle(why)) => {
                tracing::warn!("the template of clones cannot be used again: {why}");
                unknown()
            }
        }
    }
}

/// Keys that no project has.
fn unknown() -> Result<Keys> {
    let key = random_key()?;
    Ok(Keys { content: key.clone(), sealed: key, known: false })
}

/// Adds a hint to the error of sources that create a role. Roles belong to all databases of the
/// cluster, and the project's own database has brought this one.
fn explained(error: Error) -> Error {
    let message = error.message();
    let is_role = message.contains("role \"") && message.contains("\" already exists");
    if !is_role {
        return error;
    }
    error.hint(
        "roles belong to the whole cluster: create one only if it is missing, such as \
         SELECT 'CREATE ROLE reader' WHERE to_regrole('reader') IS NULL \\gexec",
    )
}
