//! `database deploy`: makes the development cluster anew, hydrates and patches.

use std::time::SystemTime;

use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{Details, Existing, Outcome, State};
use crate::command::content::{Content, Progress};
use crate::environment::development::{Development, Filling, Plan, Ready, Swap};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

/// A deployment into the development cluster.
#[derive(Debug)]
pub struct Deploy {
    /// The development cluster.
    pub development: Development,
    /// The content of its database.
    pub content: Content,
    /// Stop the server after success.
    pub stop_after: bool,
    /// The plan of the new cluster, which [`Deploy::run`] makes.
    pub plan: Option<Plan>,
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
    /// The part of the content that an earlier command has applied, with the time.
    pub earlier: Option<(Progress, SystemTime)>,
}

impl Deploy {
    /// Runs the deployment.
    pub fn run(mut self) -> Result<Deployed> {
        let mut steps = Steps::default();
        // without the bundle, a database does not keep the secrets
        if self.content.source.is_some() && self.content.bundle.is_some() {
            self.content.secrets.settle()?;
        }
        let keeps = self.development.existing == Existing::Keep;
        if !keeps {
            self.plan = Some(self.development.plan()?);
            self.development.states = self.states_now();
        }
        let (ready, swap) = match keeps {
            true => (self.in_place(&mut steps)?, None),
            false => self.beside(&mut steps)?,
        };
        let url = ready.corrected.as_ref().unwrap_or(&ready.url).to_url();
        let from = Progress::of(self.states(), ready.reached.as_ref());
        let earlier = ready.reached.as_ref().map(|reached| (from, reached.description.made()));
        if self.stop_after {
            steps.run("stop", || ready.running.stop(Shutdown::Fast))?;
        }
        Ok(Deployed { url, stopped: self.stop_after, swap, steps, earlier })
    }

    fn states(&self) -> &[State] {
        &self.development.states
    }

    /// The states to which the project leads as it is now.
    fn states_now(&self) -> Vec<State> {
        let Some(plan) = &self.plan else { return Vec::new() };
        self.content.states(&self.development.foundation(plan, self.content.bundle))
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
        let place = self.development.spec.layout.working_directory().to_owned();
        let fill = |filling: &mut Filling, steps: &mut Steps| self.fill_beside(filling, steps);
        let replaced = self.development.clone().replace(steps, fill);
        let (ready, swap) = replaced.map_err(|error| {
            error.hint(format!("the cluster in {} is as it was", place.display()))
        })?;
        Ok((ready, Some(swap)))
    }

    fn fill_beside(
        &self,
        filling: &mut Filling,
        steps: &mut Steps,
    ) -> Result<Option<(State, Details)>> {
        let from = Progress::of(self.states(), filling.reached.as_ref());
        let conninfo = filling.conninfo.clone();
        let mut save = |progress| match self.to_save(progress, &conninfo)? {
            Some((state, details)) => filling.running.save_state(&state, &details),
            None => Ok(()),
        };
        self.content.apply(&self.development.toolchain, &conninfo, from, &mut save, steps)?;
        self.last_to_save(from, &conninfo)
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

    fn fill(&self, mut ready: Ready, steps: &mut Steps) -> Result<Ready> {
        let conninfo = ready.conninfo()?;
        let from = Progress::of(self.states(), ready.reached.as_ref());
        let mut save = |progress| match self.to_save(progress, &conninfo)? {
            Some(saved) => self.save(&mut ready, &saved),
            None => Ok(()),
        };
        self.content.apply(&self.development.toolchain, &conninfo, from, &mut save, steps)?;
        if let Some(saved) = self.last_to_save(from, &conninfo)? {
            self.save(&mut ready, &saved)?;
        }
        steps.run("flush", || durability::flush(&conninfo))?;
        Ok(ready)
    }

    fn save(&self, ready: &mut Ready, (state, details): &(State, Details)) -> Result<()> {
        ready.running.save_state(state, details)?;
        self.development.attend_again(&ready.running)
    }

    /// The state that the database has reached, if the cache may hold it.
    fn to_save(&self, progress: Progress, conninfo: &Conninfo) -> Result<Option<(State, Details)>> {
        let Some(state) = progress.state(self.states()) else { return Ok(None) };
        let is_still = || self.states_now().iter().any(|now| now.key == state.key);
        Ok(self.content.details(conninfo, is_still)?.map(|details| (state.clone(), details)))
    }

    fn last_to_save(
        &self,
        from: Progress,
        conninfo: &Conninfo,
    ) -> Result<Option<(State, Details)>> {
        let last = self.states().last().map(Progress::of_state);
        match last.filter(|last| *last > from) {
            Some(last) => self.to_save(last, conninfo),
            None => Ok(None),
        }
    }
}
