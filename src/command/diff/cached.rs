//! The cached states of the two sides of a comparison, with the records of the collector.

use crate::cluster::{Details, Reached, State};
use crate::command::content::Content;
use crate::compare::origin::{Touch, from_note, note};
use crate::environment::private::PrivateClusterSpec;
use crate::migration::directory::Directory;
use crate::migration::project::RunOptions;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::locale::Locale;
use crate::postgres::psql::script::Script;
use crate::postgres::toolchain::Toolchain;
use crate::project::closure::{self, Obstacle};
use crate::sys::digest::sha256;
use crate::sys::error::{Error, Result as Done};

/// The word of the states that are made by migrations.
const MIGRATED: &str = "migrated";

/// The states of a side, and what was found in the cache.
#[derive(Debug, Default)]
pub(super) struct Cached {
    /// The states through which the side passes.
    pub states: Vec<State>,
    /// The state with which its cluster began.
    pub reached: Option<Reached>,
}

impl Cached {
    /// Whether the cluster began with the last state.
    pub fn is_complete(&self) -> bool {
        self.reached.as_ref().is_some_and(|reached| reached.index + 1 == self.states.len())
    }

    /// The records of the collector that came with the state.
    pub fn touched(&self) -> Vec<Touch> {
        let note = self.reached.as_ref().and_then(|reached| reached.description.note.as_deref());
        note.and_then(from_note).unwrap_or_default()
    }

    /// The state that the side has reached, to be put into the cache when its cluster is removed.
    /// `now` tells the states to which the files lead now.
    pub fn to_save(
        &self,
        content: &Content,
        conninfo: &Conninfo,
        touched: &[Touch],
        now: impl FnOnce() -> Vec<State>,
    ) -> Done<Option<(State, Details)>> {
        let Some(state) = self.states.last().filter(|_| !self.is_complete()) else {
            return Ok(None);
        };
        let details = content.details(conninfo, || now().contains(state))?;
        Ok(details.map(|details| (state.clone(), Details { note: note(touched), ..details })))
    }
}

/// The state of hydrated sources in a database with this locale. A comparison needs the records of
/// the collector, too, so it has a state of its own.
pub(super) fn of_sources(
    content: &Content,
    private: &PrivateClusterSpec,
    toolchain: &Toolchain,
    locale: Option<&Locale>,
) -> Vec<State> {
    let states = content.states(&private.foundation(toolchain));
    let with = |key: &str| sha256(format!("compared\0{key}\0{locale:?}"));
    let noted = |state: State| State {
        key: with(&state.key),
        sealed_key: with(&state.sealed_key),
        ..state
    };
    states.into_iter().map(noted).collect()
}

/// The states after each migration, as far as the cache may hold them.
pub(super) fn of_migrations(
    content: &Content,
    migrations: &RunOptions,
    private: &PrivateClusterSpec,
    toolchain: &Toolchain,
) -> Vec<State> {
    if !content.cached || !private.settings.may_cache() {
        return Vec::new();
    }
    let mut states = Vec::new();
    if let Err(Obstacle(why)) = add_migrations(content, migrations, private, toolchain, &mut states)
    {
        // a state in the middle of the migrations would not be used again
        states.clear();
        tracing::debug!("not cached: {why}");
    }
    states
}

fn add_migrations(
    content: &Content,
    migrations: &RunOptions,
    private: &PrivateClusterSpec,
    toolchain: &Toolchain,
    states: &mut Vec<State>,
) -> Result<(), Obstacle> {
    let obstacle = |error: Error| Obstacle(error.message().to_owned());
    let foundation = private.foundation(toolchain).key().map_err(obstacle)?;
    let ring = content.secrets.ring_id(None).map_err(obstacle)?;
    let mut key = sha256(format!("{foundation}\0{}\0{:?}", migrations.set, migrations.bundle));
    if !migrations.directory.is_dir() {
        return Ok(());
    }
    // the run itself logs the warnings
    for migration in Directory::read(&migrations.directory).map_err(obstacle)?.migrations {
        for file in migration.up.iter().chain(&migration.down) {
            let digest = closure::digest(&Script {
                file: file.clone(),
                variables: migrations.variables.clone(),
                directory: migrations.base.clone(),
                log: None,
            })?;
            key = sha256(format!("{MIGRATED}\0{key}\0{}\0{digest}", migration.name.full));
        }
        let sealed_key = sha256(format!("{key}\0{ring}"));
        states.push(State { word: MIGRATED.to_owned(), key: key.clone(), sealed_key });
    }
    Ok(())
}
