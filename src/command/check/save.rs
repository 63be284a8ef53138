//! How the states of a check get into the cache: by this process, or by a saver in the background.

use std::fs::File;

use super::Check;
use crate::cluster::{Lock, State};
use crate::environment::private::PrivateCluster;
use crate::environment::saver::{Bequest, Job, SaverProgram};
use crate::sys::error::Result;
use crate::sys::process;

impl Check {
    /// Copies the cluster into the cache.
    pub(super) fn save(&self, cluster: &mut PrivateCluster, state: &State) -> Result<()> {
        match self.content.details(&cluster.conninfo()?, || self.leads_to(state))? {
            Some(details) => cluster.save_state(state, &details),
            None => Ok(()),
        }
    }

    /// Moves the cluster into the cache, and removes the rest of it.
    pub(super) fn retire(&self, cluster: PrivateCluster, state: &State) -> Result<()> {
        match self.content.details(&cluster.conninfo()?, || self.leads_to(state))? {
            Some(details) => cluster.retire(state, &details),
            None => cluster.remove(),
        }
    }

    /// Whether the project, as it is now, leads to this state.
    fn leads_to(&self, state: &State) -> bool {
        self.states().contains(state)
    }

    /// Leaves the cluster, which has reached `last`, to a saver. If no saver starts, this process
    /// does its work.
    pub(super) fn bequeath(
        &self,
        saver: &SaverProgram,
        cluster: PrivateCluster,
        last: &State,
        earlier: Option<&State>,
    ) -> Result<()> {
        let Some(sign) = self.sign(last) else { return cluster.remove() };
        let Some(entry) = cluster.entry() else { return self.retire(cluster, last) };
        let bequest = Bequest {
            directory: cluster.directory().to_owned(),
            entry: entry.path().to_owned(),
            state: last.clone(),
        };
        match self.start(saver, Some(bequest), vec![sign], earlier, Some(entry.file())) {
            Ok(()) => {
                cluster.leave_to_child();
                Ok(())
            }
            Err(error) => {
                tracing::debug!("no process saves the state in the background: {error}");
                self.retire(cluster, last)
            }
        }
    }

    /// Lets a saver build a state again that the failed check has passed through.
    pub(super) fn save_earlier(&self, state: &State) {
        if let Some(saver) = &self.saver
            && let Err(error) = self.start(saver, None, Vec::new(), Some(state), None)
        {
            tracing::debug!("no process saves the state in the background: {error}");
        }
    }

    /// Starts a saver. `signs` are those of the states that it surely saves.
    fn start(
        &self,
        saver: &SaverProgram,
        cluster: Option<Bequest>,
        mut signs: Vec<Lock>,
        earlier: Option<&State>,
        entry: Option<&File>,
    ) -> Result<()> {
        let mut job = Job { cluster, earlier: None };
        if let Some((state, sign)) = earlier.and_then(|state| Some((state, self.sign(state)?))) {
            job.earlier = Some(state.clone());
            signs.push(sign);
        }
        if job == Job::default() {
            return Ok(());
        }
        let locks: Vec<&File> = signs.iter().map(Lock::file).chain(entry).collect();
        match saver.start(&job, &locks) {
            Ok(()) => {
                signs.into_iter().for_each(Lock::leave_to_child);
                Ok(())
            }
            Err(error) => {
                signs.into_iter().for_each(|sign| drop(sign.remove()));
                Err(error)
            }
        }
    }

    /// The sign that a saver saves this state. `None` if another process does so already.
    fn sign(&self, state: &State) -> Option<Lock> {
        let sign = state.sign(&self.private.settings, &self.toolchain);
        sign.inspect_err(|error| tracing::debug!("not cached: {error}")).ok().flatten()
    }

    /// Does the work of a saver.
    pub fn save_states(&self, job: &Job) -> Result<()> {
        if let Some(bequest) = &job.cluster {
            let saved = self.save_bequest(bequest);
            self.remove_sign(&bequest.state)?;
            saved?;
        }
        if let Some(state) = &job.earlier {
            // the user may work on with both processors
            process::yield_to_others();
            let built = self.build_again(state);
            self.remove_sign(state)?;
            built?;
        }
        Ok(())
    }

    fn remove_sign(&self, state: &State) -> Result<()> {
        state.remove_sign(&self.private.settings, &self.toolchain)
    }

    fn save_bequest(&self, Bequest { directory, entry, state }: &Bequest) -> Result<()> {
        let cluster = self.private.take_over(directory, entry, &self.toolchain)?;
        self.retire(cluster, state)
    }

    /// Builds the state after hydration in a cluster of its own.
    fn build_again(&self, state: &State) -> Result<()> {
        if !self.leads_to(state) {
            return Ok(());
        }
        let cluster = self.private.start(&self.toolchain)?;
        self.content.hydrate_alone(&self.toolchain, &cluster.conninfo()?)?;
        self.retire(cluster, state)
    }
}
