//! The content of a project's database: bundle, secrets, sources, patch. The database passes through
//! states while it gets the content, and the cache may hold these states.

pub mod clones;

use std::path::PathBuf;

use crate::bundle::{self, Installed, Kind, Status, inherits};
use crate::cluster::{Details, Reached, State};
use crate::environment::foundation::Foundation;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::durability;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::toolchain::Toolchain;
use crate::project::closure::Obstacle;
use crate::project::patch::Patch;
use crate::project::source::Source;
use crate::secret::Supply;
use crate::sys::digest::sha256;
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
    /// Whether cached states are used and made.
    pub cached: bool,
    /// The directory of the project.
    pub project: Option<PathBuf>,
}

/// How far a database has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It has its role and perhaps the bundle.
    Prepared,
    /// The sources ran.
    Hydrated,
    /// The patch file ran.
    Patched,
}

/// What the caller does whenever the database has made progress, while no session is open.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> Result<()>;

impl Progress {
    /// The word of a state.
    fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Hydrated => "hydrated",
            Self::Patched => "patched",
        }
    }

    /// The progress of a cluster that began with one of these states.
    pub fn of(states: &[State], reached: Option<&Reached>) -> Self {
        let state = reached.and_then(|reached| states.get(reached.index));
        state.map_or(Self::Prepared, Self::of_state)
    }

    /// The progress that a state stands for.
    pub fn of_state(state: &State) -> Self {
        let all = [Self::Patched, Self::Hydrated];
        all.into_iter().find(|progress| progress.word() == state.word).unwrap_or(Self::Prepared)
    }

    /// The state in the list that stands for this progress.
    pub fn state(self, states: &[State]) -> Option<&State> {
        states.iter().find(|state| state.word == self.word())
    }
}

impl Content {
    /// The states that a cluster passes through while it gets this content, as far as the cache may
    /// hold them. The reason why one may not goes to the log.
    pub fn states(&self, foundation: &Foundation<'_>) -> Vec<State> {
        if !self.cached || !foundation.settings.may_cache() {
            return Vec::new();
        }
        let mut states = Vec::new();
        let key = foundation.key().map_err(|error| Obstacle(error.message().to_owned()));
        let added = key.and_then(|key| self.add_states(key, foundation, &mut states));
        if let Err(Obstacle(why)) = added {
            tracing::debug!("not cached: {why}");
        }
        states
    }

    /// The last state of a database that gets this content in an existing cluster. `None` if there
    /// is nothing to do.
    pub fn state_in_cluster(
        &self,
        foundation: &Foundation<'_>,
    ) -> std::result::Result<Option<State>, Obstacle> {
        let key = foundation.key_in_cluster();
        let key = key.map_err(|error| Obstacle(error.message().to_owned()))?;
        let mut states = Vec::new();
        self.add_states(key, foundation, &mut states)?;
        Ok(states.pop())
    }

    fn add_states(
        &self,
        mut key: String,
        foundation: &Foundation<'_>,
        states: &mut Vec<State>,
    ) -> std::result::Result<(), Obstacle> {
        let obstacle = |error: Error| Obstacle(error.message().to_owned());
        let ring = self.secrets.ring_id(foundation.key_file.as_deref()).map_err(obstacle)?;
        let mut add = |progress: Progress, part: String| {
            key = sha256(format!("{}\0{key}\0{part}", progress.word()));
            let sealed_key = sha256(format!("{key}\0{ring}"));
            states.push(State { word: progress.word().to_owned(), key: key.clone(), sealed_key });
        };
        if let Some(source) = &self.source {
            let secrets = match foundation.bundle {
                Some(_) if self.secrets.exist() => {
                    let key = foundation.digest_key().map_err(obstacle)?;
                    self.secrets.fingerprint(&key).map_err(obstacle)?
                }
                Some(_) | None => String::new(),
            };
            add(Progress::Hydrated, format!("{}\0{secrets}", source.digest()?));
        }
        if let Some(patch) = &self.patch
            && let Some(digest) = patch.digest()?
        {
            add(Progress::Patched, digest);
        }
        Ok(())
    }

    /// Puts the content into the database, as far as it is not there yet. Calls `on_progress`
    /// between the parts. A caller that keeps the database must flush it afterwards.
    pub fn apply(
        &self,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        from: Progress,
        on_progress: OnProgress<'_>,
        steps: &mut Steps,
    ) -> Result<()> {
        let conninfo = &durability::bulk(conninfo);
        if let Some(source) = &self.source {
            if from < Progress::Hydrated {
                self.hydrate(source, toolchain, conninfo, steps)?;
                if self.patch.as_ref().is_some_and(Patch::exists) {
                    on_progress(Progress::Hydrated)?;
                }
            } else {
                self.secrets.provide_key(conninfo)?;
            }
        }
        if let Some(patch) = &self.patch
            && from < Progress::Patched
        {
            steps.run("patch", || patch.apply(toolchain, conninfo)).context("patching failed")?;
        }
        inherits::check(conninfo, &self.inherits)
    }

    /// Hydrates the database and does no more.
    pub fn hydrate_alone(&self, toolchain: &Toolchain, conninfo: &Conninfo) -> Result<()> {
        let (conninfo, mut steps) = (durability::bulk(conninfo), Steps::default());
        let hydrate = |source| self.hydrate(source, toolchain, &conninfo, &mut steps);
        self.source.as_ref().map_or(Ok(()), hydrate)
    }

    fn hydrate(
        &self,
        source: &Source,
        toolchain: &Toolchain,
        conninfo: &Conninfo,
        steps: &mut Steps,
    ) -> Result<()> {
        if let Some(kind) = self.bundle {
            steps.run("bundle", || bundle::apply(&mut Session::connect(conninfo)?, kind))?;
        }
        steps.run("secrets", || self.secrets.load(conninfo))?;
        let hydrated = steps.run("hydrate", || source.hydrate(toolchain, conninfo));
        hydrated.map_err(|error| explained(error, conninfo)).context("hydrating failed")
    }

    /// The details of a state that this database has reached. `None` if the state must not be
    /// cached; the reason goes to the log. `is_still` tells whether the files of the project still
    /// lead to this state: psql may have read a file after somebody changed it.
    pub fn details(
        &self,
        conninfo: &Conninfo,
        is_still: impl FnOnce() -> bool,
    ) -> Result<Option<Details>> {
        if !is_still() {
            tracing::debug!("not cached: the project was changed meanwhile");
            return Ok(None);
        }
        let mut session = Session::connect(conninfo)?;
        if let Some(row) = session.query(sql!("state/reaching-out"), &[])?.first() {
            let what: String = column(row, "what")?;
            tracing::debug!("not cached: the {what} reaches out of the database");
            return Ok(None);
        }
        let sealed = self.secrets.stored(conninfo)? > 0;
        Ok(Some(Details { project: self.project.clone(), sealed, note: None }))
    }
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
