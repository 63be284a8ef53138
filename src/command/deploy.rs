//! The whole way from nothing to a database with data.

use crate::bundle;
use crate::bundle::inherits;
use crate::environment::development::Development;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::project::patch::Patch;
use crate::project::source::Source;
use crate::secret::Supply;
use crate::sys::error::{Context, Result};
use crate::sys::steps::Steps;

/// What to put into a database.
#[derive(Debug)]
pub struct Content {
    /// Whether the hectic bundle comes first.
    pub hook: bool,
    /// Where the secrets come from.
    pub secrets: Supply,
    /// The sources, unless hydration is left out.
    pub source: Option<Source>,
    /// The patch, unless it is left out.
    pub patch: Option<Patch>,
    /// Tables that have to exist when all is done.
    pub inherits: Vec<String>,
}

/// `database deploy`.
#[derive(Debug)]
pub struct Deploy {
    /// The cluster to deploy to.
    pub development: Development,
    /// What to deploy.
    pub content: Content,
    /// Whether to stop the server after success.
    pub stop_after: bool,
}

/// What was deployed.
#[derive(Debug)]
pub struct Deployed {
    /// The cluster's URL.
    pub url: String,
    /// Whether the server was stopped.
    pub stopped: bool,
    /// The steps.
    pub steps: Steps,
}

impl Deploy {
    /// Deploys.
    pub fn run(mut self) -> Result<Deployed> {
        let mut steps = Steps::default();
        if self.content.source.is_some() {
            self.content.secrets.settle()?;
        }
        let toolchain = self.development.toolchain.clone();
        let ready = steps.run("start", || self.development.provide())?;
        let conninfo = ready.conninfo()?;
        apply(&toolchain, &conninfo, &self.content, &mut steps)?;
        steps.run("flush", || durability::flush(&conninfo))?;
        let url = ready.corrected.as_ref().unwrap_or(&ready.url).to_url();
        if self.stop_after {
            steps.run("stop", || {
                ready.running.stop(crate::cluster::run::postmaster::Shutdown::Fast)
            })?;
        }
        Ok(Deployed { url, stopped: self.stop_after, steps })
    }
}

/// Puts `content` into the database: bundle, secrets, sources, patch. Who keeps the database flushes.
pub fn apply(
    toolchain: &Toolchain,
    conninfo: &Conninfo,
    content: &Content,
    steps: &mut Steps,
) -> Result<()> {
    let conninfo = &durability::bulk(conninfo);
    if let Some(source) = &content.source {
        if content.hook {
            steps.run("bundle", || bundle::apply(&mut Session::connect(conninfo)?))?;
        }
        steps.run("secrets", || content.secrets.load(conninfo))?;
        steps.run("hydrate", || source.hydrate(toolchain, conninfo)).context("hydrating failed")?;
    }
    if let Some(patch) = &content.patch {
        steps.run("patch", || patch.apply(toolchain, conninfo)).context("patching failed")?;
    }
    inherits::check(conninfo, &content.inherits)
}
