//! What a check's cluster holds before the project's own SQL, made once and then remembered.
//!
//! A role, a database and the bundle are the same for every check of a project, and making them
//! takes a fifth of its time. So the second check of a project stops its cluster once they are made,
//! moves the data directory into the template cache under a key that says what is in it, and goes on
//! with a clone; later checks begin with that clone. The first does not: on a machine that is thrown
//! away afterwards, nobody would use it.

use std::path::Path;

use super::build::Old;
use super::postmaster::Shutdown;
use super::start::StartFailure;
use super::template::{Recipe, Template, remove_tree};
use super::{Cluster, ClusterSpec, Running};
use crate::error::Result;
use crate::postgres::toolchain::Toolchain;

/// What is to be in a cluster.
pub struct Seed<'a> {
    /// Says all that `plant` does: equal keys, equal content.
    pub key: String,
    /// Puts it there.
    pub plant: &'a dyn Fn(&Running) -> Result<()>,
}

impl Cluster {
    /// Makes a cluster that holds what `seed` says, and starts it.
    pub fn create_planted(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        seed: &Seed<'_>,
    ) -> Result<Running> {
        // a configuration of the user's own may have effects that the key does not tell
        let cache = spec.template_cache.as_deref().filter(|_| spec.conf_file.is_none());
        let recipe = spec.recipe(toolchain);
        let Some(cache) = cache else { return plant(spec, toolchain, seed) };
        if let Some(template) = Template::find(cache, &recipe, Some(&seed.key))?
            && let Some(running) = start_clone(spec, toolchain, template)?
        {
            return Ok(running);
        }
        let is_warm = Template::find(cache, &recipe, None)?.is_some();
        let running = plant(spec, toolchain, seed)?;
        if is_warm { remember(running, cache, &recipe, seed) } else { Ok(running) }
    }
}

fn plant(spec: &ClusterSpec, toolchain: &Toolchain, seed: &Seed<'_>) -> Result<Running> {
    let running = Cluster::create_and_start(spec, toolchain)?;
    (seed.plant)(&running).map_err(|error| running.with_log(error))?;
    Ok(running)
}

/// A running clone; `None` when the template turned out to be damaged, and is gone now.
fn start_clone(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    template: Template,
) -> Result<Option<Running>> {
    let made = Cluster::create_from(spec.clone(), toolchain.clone(), Old::Remove, Some(&template));
    match made {
        Ok((cluster, _)) => match cluster.start() {
            Ok(running) => return Ok(Some(running)),
            Err(StartFailure::Other(error)) => return Err(error),
            Err(StartFailure::Data(_)) => {}
        },
        Err(error) if template.is_intact() => return Err(error),
        Err(_) => {}
    }
    tracing::debug!("a template of a prepared cluster is damaged; making it anew");
    template.discard()?;
    remove_tree(&spec.layout.data()).map(|()| None)
}

/// Stops the cluster, makes a template of it and goes on with a clone of that.
fn remember(
    running: Running,
    cache: &Path,
    recipe: &Recipe<'_>,
    seed: &Seed<'_>,
) -> Result<Running> {
    let Cluster { spec, toolchain, .. } = running.stop(Shutdown::Fast)?;
    let data = spec.layout.data();
    match Template::adopt(cache, recipe, &seed.key, &data) {
        Ok(Some(template)) => {
            if let Some(running) = start_clone(&spec, &toolchain, template)? {
                return Ok(running);
            }
        }
        // another check is at it: this one goes on with its own
        Ok(None) => return Ok(Cluster::existing(spec, toolchain).start()?),
        Err(error) => tracing::debug!("the prepared cluster is not remembered: {error}"),
    }
    remove_tree(&data)?;
    plant(&spec, &toolchain, seed)
}
