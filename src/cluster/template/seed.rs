//! The seed of a cluster: the role, the databases and, for a check, the bundle.
//!
//! The seed is the same each time, and planting it takes a large part of the time. So db-tool keeps
//! a template with the seed. It makes this template when it plants the same seed a second time: it
//! stops the cluster, moves its data directory into the cache under the seed's key, and goes on
//! with a clone. Later clusters begin with a clone, too. The first cluster makes no such template:
//! on a machine that is thrown away afterwards, nobody would use it.

use std::path::{Path, PathBuf};

use super::cache::{Recipe, Template};
use crate::cluster::build::Old;
use crate::cluster::files::remove_tree;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::run::start::StartFailure;
use crate::cluster::{Cluster, ClusterSpec, Running};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{IoContext, Result};
use crate::sys::signal;

/// A function that fills a new cluster, with a key.
pub struct Seed<'a> {
    /// Names all that `plant` does. Two seeds with equal keys make equal clusters.
    pub key: String,
    /// Fills a running cluster.
    pub plant: &'a dyn Fn(&Running) -> Result<()>,
}

impl Cluster {
    /// Makes a cluster with `seed` and starts it. If the old cluster was kept, the second value is
    /// its new path.
    pub(in crate::cluster) fn create_planted(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        old: Old,
        seed: &Seed<'_>,
    ) -> Result<(Running, Option<PathBuf>)> {
        let recipe = spec.recipe(toolchain);
        let cache = spec.settings.template_cache.as_deref().filter(|_| may_remember(spec, old));
        let Some(cache) = cache else { return plant(spec, toolchain, old, seed) };
        if let Some(template) = Template::find(cache, &recipe, Some(&seed.key))?
            && let Some(running) = start_clone(spec, toolchain, template)?
        {
            return Ok((running, None));
        }
        let is_warm = Template::find(cache, &recipe, None)?.is_some();
        let (running, kept) = plant(spec, toolchain, old, seed)?;
        let running = if is_warm { remember(running, cache, &recipe, seed)? } else { running };
        Ok((running, kept))
    }

    /// Makes a throwaway cluster in a place where there is none.
    pub fn create_throwaway(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        seed: &Seed<'_>,
    ) -> Result<Running> {
        let _acting = spec.act()?;
        let logs = spec.layout.logs();
        std::fs::create_dir_all(logs).on("create", logs)?;
        Self::create_planted(spec, toolchain, Old::Remove, seed).map(|(running, _)| running)
    }
}

/// Whether the cluster may become a template. The user's configuration may have effects that the
/// key does not name. Moving an old cluster aside is rare, so a template for it is not worth its
/// cost.
fn may_remember(spec: &ClusterSpec, old: Old) -> bool {
    spec.settings.conf_file.is_none() && old == Old::Remove
}

fn plant(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    old: Old,
    seed: &Seed<'_>,
) -> Result<(Running, Option<PathBuf>)> {
    let (running, kept) = Cluster::replace_and_start(spec, toolchain, old)?;
    (seed.plant)(&running).map_err(|error| running.with_log(error))?;
    Ok((running, kept))
}

/// Starts a clone of the template. `None` if the template was damaged; it is then removed.
fn start_clone(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    template: Template,
) -> Result<Option<Running>> {
    tracing::debug!("cloning a prepared cluster");
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

/// Stops the cluster, makes a template of it, and goes on with a clone.
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
        // another command makes the same template: go on with this cluster
        Ok(None) => return Ok(Cluster::existing(spec, toolchain).start()?),
        Err(error) => tracing::debug!("the prepared cluster is not remembered: {error}"),
    }
    signal::check()?;
    remove_tree(&data)?;
    plant(&spec, &toolchain, Old::Remove, seed).map(|(running, _)| running)
}
