//! `database check`: the whole project in a private cluster that is gone afterwards.

mod copies;
mod save;

use std::time::SystemTime;

use copies::Copies;

use crate::cluster::State;
use crate::command::content::{Content, Progress};
use crate::environment::private::{Kept, PrivateCluster, PrivateClusterSpec};
use crate::environment::saver::SaverProgram;
use crate::postgres::toolchain::Toolchain;
use crate::project::test::find::TestFile;
use crate::project::test::outcome::FileOutcome;
use crate::project::test::pool;
use crate::project::test::run::Runner;
use crate::sys::error::{Error, Result};
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
    /// The program that saves states in the background. `None` saves them before the end.
    pub saver: Option<SaverProgram>,
    /// The tests to run afterwards.
    pub tests: Option<CheckTests>,
}

/// The tests of a check.
#[derive(Debug)]
pub struct CheckTests {
    /// The files.
    pub files: Vec<TestFile>,
    /// Runs one of them.
    pub runner: Runner,
    /// How many run at the same time.
    pub jobs: usize,
}

/// A check whose project deploys. The outcomes tell whether its tests pass.
#[derive(Debug)]
pub struct Checked {
    /// The outcomes of the tests.
    pub outcomes: Vec<FileOutcome>,
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
    /// there is nothing to do, unless there are tests, or somebody wants to see the cluster.
    pub fn run(&self) -> Result<Checked> {
        self.private.places.attempt(|| self.attempt())
    }

    fn attempt(&self) -> Result<Checked> {
        let mut steps = Steps::default();
        let states = self.states();
        if let Some(state) = states.last()
            && !self.private.keep
            && self.tests.is_none()
            && self.content.inherits.is_empty()
            && let Some(found) = self.private.find_state(state, &self.toolchain)?
        {
            let progress = Progress::of_state(state);
            let earlier = Some((progress, found.made()));
            return Ok(Checked { outcomes: Vec::new(), steps, kept: None, earlier });
        }
        let start = || self.private.start_with(&self.toolchain, &states);
        let (mut cluster, reached) = steps.run("start", start)?;
        let from = Progress::of(&states, reached.as_ref());
        let mut passed = from;
        if let Err(error) = self.fill(&mut cluster, &mut passed, &states, &mut steps) {
            let error = cluster.running().with_log(error);
            let error = cluster.failed(error);
            if passed > from
                && let Some(state) = passed.state(&states)
            {
                self.save_earlier(state);
            }
            return Err(error);
        }
        let outcomes = match self.test(&mut cluster, from, &states, &mut steps) {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(cluster.failed(error)),
        };
        // tests may leave roles and settings of the server, which no state may have
        let states = if self.tests.is_some() { Vec::new() } else { states };
        let earlier = reached.map(|reached| (from, reached.description.made()));
        let kept = match self.private.keep {
            true => cluster.finish()?,
            false => {
                steps.run("stop", || self.end(cluster, from, &states))?;
                None
            }
        };
        Ok(Checked { outcomes, steps, kept, earlier })
    }

    /// Saves a new state, then runs the tests, each in a copy of the database.
    ///
    /// # Errors
    /// The error of a test that found the memory full: a second attempt on the disk may pass.
    fn test(
        &self,
        cluster: &mut PrivateCluster,
        from: Progress,
        states: &[State],
        steps: &mut Steps,
    ) -> Result<Vec<FileOutcome>> {
        let Some(CheckTests { files, runner, jobs }) = &self.tests else { return Ok(Vec::new()) };
        if let Some(state) = states.last().filter(|state| Progress::of_state(state) > from) {
            steps.run("save", || self.save(cluster, state))?;
        }
        let cluster = &*cluster;
        let copies = Copies::of(cluster)?;
        let run = || pool::run(runner, files, &copies, *jobs, &mut |_| {});
        let outcomes = steps.run("test", run)?;
        match outcomes.iter().filter_map(FileOutcome::error).find(|error| is_full(error)) {
            Some(error) => Err(error.clone()),
            None => Ok(outcomes),
        }
    }

    fn states(&self) -> Vec<State> {
        self.content.states(&self.private.foundation(&self.toolchain))
    }

    /// Applies the content from `passed` on, and notes there how far it has come.
    fn fill(
        &self,
        cluster: &mut PrivateCluster,
        passed: &mut Progress,
        states: &[State],
        steps: &mut Steps,
    ) -> Result<()> {
        let (conninfo, from) = (cluster.conninfo()?, *passed);
        let mut save = |progress: Progress| {
            *passed = progress;
            match progress.state(states).filter(|_| self.saver.is_none()) {
                Some(state) => self.save(cluster, state),
                None => Ok(()),
            }
        };
        self.content.apply(&self.toolchain, &conninfo, from, &mut save, steps)
    }

    /// Removes the cluster. If it has passed through new states, these go to the cache.
    fn end(&self, cluster: PrivateCluster, from: Progress, states: &[State]) -> Result<()> {
        let new: Vec<_> = states.iter().filter(|state| Progress::of_state(state) > from).collect();
        let Some((last, earlier)) = new.split_last() else { return cluster.remove() };
        match &self.saver {
            Some(saver) => self.bequeath(saver, cluster, last, earlier.last().copied()),
            None => self.retire(cluster, last),
        }
    }
}

/// Whether an error says that there is no room for files.
fn is_full(error: &Error) -> bool {
    let mut lines = error.details().iter().map(String::as_str).chain([error.message()]);
    lines.any(|line| line.contains("No space left on device"))
}
