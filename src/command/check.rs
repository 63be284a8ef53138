//! `database check`: the whole project in a private cluster that is gone afterwards.

use crate::command::deploy::{self, Content};
use crate::environment::private::{Kept, PrivateCluster, PrivateClusterSpec};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

/// The arguments of `check`.
#[derive(Debug)]
pub struct Check {
    /// The private cluster.
    pub private: PrivateClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The sources, secrets and patch to apply.
    pub content: Content,
}

/// A check that passed.
#[derive(Debug)]
pub struct Checked {
    /// The steps.
    pub steps: Steps,
    /// The cluster, if `--keep` left it running.
    pub kept: Option<Kept>,
}

impl Check {
    /// Runs the check. Removes the cluster in any case, unless the user wants to keep it.
    pub fn run(&self) -> Result<Checked> {
        self.private.places.attempt(|| self.attempt())
    }

    fn attempt(&self) -> Result<Checked> {
        let mut steps = Steps::default();
        let cluster = steps.run("start", || self.private.start(&self.toolchain))?;
        if let Err(error) = self.fill(&cluster, &mut steps) {
            let error = cluster.running().with_log(error);
            return Err(cluster.failed(error));
        }
        let kept = match self.private.keep {
            true => cluster.finish()?,
            false => steps.run("stop", || cluster.finish())?,
        };
        Ok(Checked { steps, kept })
    }

    fn fill(&self, cluster: &PrivateCluster, steps: &mut Steps) -> Result<()> {
        deploy::apply(&self.toolchain, &cluster.conninfo()?, &self.content, steps)
    }
}
