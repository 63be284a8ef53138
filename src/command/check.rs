//! `database check`: the whole project in a private cluster that is gone afterwards.

use std::time::SystemTime;

use crate::cluster::State;
use crate::command::content::{Content, Progress};
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
    /// The part of the content that an earlier command has applied, with the time.
    pub earlier: Option<(Progress, SystemTime)>,
}

impl Check {
    /// Runs the check. Removes the cluster in any case, unless the user wants to keep it.
    ///
    /// If the cache holds the last state, an earlier check has passed with the same content. Then
    /// there is nothing to do, unless somebody wants to see the cluster.
    pub fn run(&self) -> Result<Checked> {
        self.private.places.attempt(|| self.attempt())
    }

    fn attempt(&self) -> Result<Checked> {
        let mut steps = Steps::default();
        let states = self.states();
        if let Some(state) = states.last()
            && !self.private.keep
            && self.content.inherits.is_empty()
            && let Some(found) = self.private.find_state(state, &self.toolchain)?
        {
            let progress = Progress::of_state(state);
            return Ok(Checked { steps, kept: None, earlier: Some((progress, found.made())) });
        }
        let start = || self.private.start_with(&self.toolchain, &states);
        let (mut cluster, reached) = steps.run("start", start)?;
        let from = Progress::of(&states, reached.as_ref());
        if let Err(error) = self.fill(&mut cluster, from, &states, &mut steps) {
            let error = cluster.running().with_log(error);
            return Err(cluster.failed(error));
        }
        let earlier = reached.map(|reached| (from, reached.description.made()));
        let kept = match self.private.keep {
            true => cluster.finish()?,
            false => steps.run("stop", || self.retire(cluster, from, &states))?,
        };
        Ok(Checked { steps, kept, earlier })
    }

    fn states(&self) -> Vec<State> {
        self.content.states(&self.private.foundation(&self.toolchain))
    }

    fn fill(
        &self,
        cluster: &mut PrivateCluster,
        from: Progress,
        states: &[State],
        steps: &mut Steps,
    ) -> Result<()> {
        let conninfo = cluster.conninfo()?;
        let mut save = |progress: Progress| {
            let Some(state) = progress.state(states) else { return Ok(()) };
            match self.content.details(&conninfo)? {
                Some(details) => cluster.save_state(state, &details),
                None => Ok(()),
            }
        };
        self.content.apply(&self.toolchain, &conninfo, from, &mut save, steps)
    }

    /// Removes the cluster. If it has reached a new state, that state goes to the cache.
    fn retire(
        &self,
        cluster: PrivateCluster,
        from: Progress,
        states: &[State],
    ) -> Result<Option<Kept>> {
        let Some(state) = states.last().filter(|state| Progress::of_state(state) > from) else {
            return cluster.finish();
        };
        match self.content.details(&cluster.conninfo()?)? {
            Some(details) => cluster.retire(state, &details).map(|()| None),
            None => cluster.finish(),
        }
    }
}
