//! `database deploy`: makes the development cluster anew, hydrates and patches.

use crate::bundle::{self, Installed, Kind, Status, inherits};
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{Existing, Outcome};
use crate::environment::development::{Development, Ready, Swap};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::project::patch::Patch;
use crate::project::source::Source;
use crate::secret::Supply;
use crate::sys::error::{Context, Error, Result};
use crate::sys::steps::Steps;

/// The content of a database.
#[derive(Debug)]
pub struct Content {
    /// The hectic bundle to apply first.
    pub bundle: Option<Kind>,
    /// The dotenv with the secrets.
    pub secrets: Supply,
    /// The sources; `None` skips hydration.
    pub source: Option<Source>,
    /// The patch file; `None` skips it.
    pub patch: Option<Patch>,
    /// Tables that must exist at the end.
    pub inherits: Vec<String>,
}

/// A deployment into the development cluster.
#[derive(Debug)]
pub struct Deploy {
    /// The development cluster.
    pub development: Development,
    /// The content of its database.
    pub content: Content,
    /// Stop the server after success.
    pub stop_after: bool,
}

/// The result of a deployment.
#[derive(Debug)]
pub struct Deployed {
    /// The cluster's URL.
    pub url: String,
    pub stopped: bool,
    /// The fate of the cluster that was there before, if it was replaced.
    pub swap: Option<Swap>,
    /// The steps, with their times.
    pub steps: Steps,
}

impl Deploy {
    /// Runs the deployment.
    pub fn run(mut self) -> Result<Deployed> {
        let mut steps = Steps::default();
        // without the bundle, a database does not keep the secrets
        if self.content.source.is_some() && self.content.bundle.is_some() {
            self.content.secrets.settle()?;
        }
        let (ready, swap) = match self.development.existing {
            Existing::Keep => (self.in_place(&mut steps)?, None),
            _ => self.beside(&mut steps)?,
        };
        let url = ready.corrected.as_ref().unwrap_or(&ready.url).to_url();
        if self.stop_after {
            steps.run("stop", || ready.running.stop(Shutdown::Fast))?;
        }
        Ok(Deployed { url, stopped: self.stop_after, swap, steps })
    }

    /// Fills a new cluster beside the existing one, and lets it take the place of that one. If
    /// there is none, fills a cluster in its final place: there is no data to lose, and after a
    /// failure the user can look at the cluster.
    fn beside(&self, steps: &mut Steps) -> Result<(Ready, Option<Swap>)> {
        if !self.development.exists()? {
            let ready = self.start(steps)?;
            if ready.outcome == Outcome::Created {
                return Ok((self.fill(ready, steps)?, None));
            }
            // another command has made it meanwhile
        }
        let toolchain = &self.development.toolchain;
        let place = self.development.spec.layout.working_directory().to_owned();
        let fill = |conninfo: &Conninfo, steps: &mut Steps| {
            apply(toolchain, conninfo, &self.content, steps)
        };
        let replaced = self.development.clone().replace(steps, fill);
        let (ready, swap) = replaced.map_err(|error| {
            error.hint(format!("the cluster in {} is as it was", place.display()))
        })?;
        Ok((ready, Some(swap)))
    }

    /// Fills the cluster that is there, or a new one.
    fn in_place(&self, steps: &mut Steps) -> Result<Ready> {
        let ready = self.start(steps)?;
        self.fill(ready, steps)
    }

    fn start(&self, steps: &mut Steps) -> Result<Ready> {
        let development = Development { existing: Existing::Keep, ..self.development.clone() };
        steps.run("start", || development.provide())
    }

    fn fill(&self, ready: Ready, steps: &mut Steps) -> Result<Ready> {
        let conninfo = ready.conninfo()?;
        apply(&self.development.toolchain, &conninfo, &self.content, steps)?;
        steps.run("flush", || durability::flush(&conninfo))?;
        Ok(ready)
    }
}

/// Puts `content` into the database: bundle, secrets, sources, patch. A caller that keeps the
/// database must flush it afterwards.
pub fn apply(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    content: &Content,
    steps: &mut Steps,
) -> Result<()> {
    let conninfo = &durability::bulk(conninfo);
    if let Some(source) = &content.source {
        if let Some(kind) = content.bundle {
            steps.run("bundle", || bundle::apply(&mut Session::connect(conninfo)?, kind))?;
        }
        steps.run("secrets", || content.secrets.load(conninfo))?;
        let hydrated = steps.run("hydrate", || source.hydrate(toolchain, conninfo));
        hydrated.map_err(|error| explained(error, conninfo)).context("hydrating failed")?;
    }
    if let Some(patch) = &content.patch {
        steps.run("patch", || patch.apply(toolchain, conninfo)).context("patching failed")?;
    }
    inherits::check(conninfo, &content.inherits)
}

/// Adds a hint to the error of sources that need more of the bundle than the database has.
fn explained(error: Error, conninfo: &Conninfo) -> Error {
    let is_missing = |name: &str| error.message().contains(&format!("\"{name}\" does not exist"));
    let parents = ["hectic.created_at", "hectic.updated_at", "hectic.immutable"];
    if !is_missing("hectic") && !parents.into_iter().any(is_missing) {
        return error;
    }
    let installed = Session::connect(conninfo).and_then(|mut session| bundle::status(&mut session));
    match installed {
        Ok(Installed { status: Status::Absent, .. }) => error.hint(
            "the database has no hectic bundle; bundle = \"full\" or \"history\" in database.toml brings it",
        ),
        Ok(Installed { kind: Some(Kind::History), .. }) => error.hint(
            "the database has the history bundle; bundle = \"full\" in database.toml brings the parent tables",
        ),
        // the first error counts
        Ok(_) | Err(_) => error,
    }
}
