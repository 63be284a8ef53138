//! `database deploy`: makes the development cluster anew, hydrates and patches.

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

/// The content of a database.
#[derive(Debug)]
pub struct Content {
    /// Apply the hectic bundle first.
    pub hook: bool,
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
    /// The steps, with their times.
    pub steps: Steps,
}

impl Deploy {
    /// Runs the deployment.
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
