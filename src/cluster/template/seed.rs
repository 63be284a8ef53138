//! What a cluster holds before the project's own SQL, made once and then remembered.
//!
//! A role, a database and, for a check, the bundle are the same each time, and making them takes a
//! good part of the time. So the second cluster with the same seed is stopped once it is planted, its
//! data directory moves into the template cache under a key that says what is in it, and a clone
//! takes its place; later clusters begin with that clone. The first does not: on a machine that is
//! thrown away afterwards, nobody would use it.

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

/// What is to be in a cluster.
pub struct Seed<'a> {
    /// Says all that `plant` does: equal keys, equal content.
    pub key: String,
    /// Puts it there.
    pub plant: &'a dyn Fn(&Running) -> Result<()>,
}

impl Cluster {
    /// Makes a cluster that holds what `seed` says, and starts it. Also tells where the old cluster
    /// went, when it was kept.
    pub(in crate::cluster) fn create_planted(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        old: Old,
        seed: &Seed<'_>,
    ) -> Result<(Running, Option<PathBuf>)> {
        let recipe = spec.recipe(toolchain);
        let cache = spec.template_cache.as_deref().filter(|_| may_remember(spec, old));
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

    /// Makes a check's cluster, in a place where there is none.
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

/// A configuration of the user's own may have effects that the key does not tell; and a cluster that
/// is moved aside is too rare to be quick about.
fn may_remember(spec: &ClusterSpec, old: Old) -> bool {
    spec.conf_file.is_none() && old == Old::Remove
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

/// A running clone; `None` when the template turned out to be damaged, and is gone now.
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
        // another command is at it: this one goes on with its own
        Ok(None) => return Ok(Cluster::existing(spec, toolchain).start()?),
        Err(error) => tracing::debug!("the prepared cluster is not remembered: {error}"),
    }
    signal::check()?;
    remove_tree(&data)?;
    plant(&spec, &toolchain, Old::Remove, seed).map(|(running, _)| running)
}
