//! How a new cluster begins: with a cached state, or with its role, its databases and, for a private
//! cluster, the bundle.
//!
//! The preparation (role, databases, bundle) is the same each time, and takes a large part of the
//! time. So db-tool keeps a template of it. It makes this template when it prepares such a cluster
//! a second time: it stops the cluster, moves its data directory into the cache under the key of the
//! preparation, and goes on with a clone. Later clusters begin with a clone, too. The first cluster
//! makes no such template: on a machine that is thrown away afterwards, nobody would use it.
//!
//! A command that fills the cluster afterwards may name states that it will pass through. If the
//! cache holds one of them, the cluster begins with the most advanced one.

use std::path::{Path, PathBuf};

use super::cache::{Deposit, Template};
use super::recipe::{Recipe, Stage};
use super::state::{self, Reached, State};
use crate::cluster::build::Old;
use crate::cluster::files::remove_tree;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::run::start::StartFailure;
use crate::cluster::{Cluster, ClusterSpec, Running};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{IoContext, Result};
use crate::sys::signal;

/// The beginning of a new cluster.
pub struct Preparation<'a> {
    /// Names all that `prepare` does. Two preparations with equal keys make equal clusters.
    pub key: String,
    /// Makes the role, the databases and so on in a running cluster.
    pub prepare: &'a dyn Fn(&Running) -> Result<()>,
    /// The states that the caller will pass through, in this order.
    pub states: &'a [State],
}

/// A new cluster that runs.
pub struct Begun {
    /// The cluster.
    pub running: Running,
    /// The new path of the old cluster, if it was kept.
    pub kept: Option<PathBuf>,
    /// The cached state with which the cluster began.
    pub reached: Option<Reached>,
}

impl Begun {
    fn with(running: Running) -> Self {
        Self { running, kept: None, reached: None }
    }
}

impl Preparation<'_> {
    fn stage(&self) -> Stage<'_> {
        Stage { word: "prepared", key: &self.key }
    }
}

impl Cluster {
    /// Makes a prepared cluster and starts it.
    pub(in crate::cluster) fn begin(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        old: Old,
        preparation: &Preparation<'_>,
    ) -> Result<Begun> {
        let cache = spec.settings.template_cache.as_deref().filter(|_| may_remember(spec, old));
        let Some(cache) = cache else { return prepare(spec, toolchain, old, preparation) };
        if let Some(begun) = with_state(spec, toolchain, cache, preparation.states)? {
            return Ok(begun);
        }
        let recipe = spec.recipe(toolchain);
        if let Some(template) = Template::find(cache, &recipe, Some(preparation.stage()))?
            && let Some(running) = start_clone(spec, toolchain, template)?
        {
            return Ok(Begun::with(running));
        }
        let is_warm = Template::find(cache, &recipe, None)?.is_some();
        let begun = prepare(spec, toolchain, old, preparation)?;
        if !is_warm {
            return Ok(begun);
        }
        let running = remember(begun.running, cache, &recipe, preparation)?;
        Ok(Begun { running, ..begun })
    }

    /// Makes a throwaway cluster in a place where there is none.
    pub fn create_throwaway(
        spec: &ClusterSpec,
        toolchain: &Toolchain,
        preparation: &Preparation<'_>,
    ) -> Result<(Running, Option<Reached>)> {
        let _acting = spec.act()?;
        let logs = spec.layout.logs();
        std::fs::create_dir_all(logs).on("create", logs)?;
        let begun = Self::begin(spec, toolchain, Old::Remove, preparation)?;
        Ok((begun.running, begun.reached))
    }
}

/// Whether the cluster may come from a template and become one. The user's configuration may have
/// effects that the key does not name. Moving an old cluster aside is rare, so a template for it is
/// not worth its cost.
fn may_remember(spec: &ClusterSpec, old: Old) -> bool {
    spec.settings.conf_file.is_none() && old == Old::Remove
}

fn prepare(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    old: Old,
    preparation: &Preparation<'_>,
) -> Result<Begun> {
    let (running, kept) = Cluster::replace_and_start(spec, toolchain, old)?;
    (preparation.prepare)(&running).map_err(|error| running.with_log(error))?;
    Ok(Begun { kept, ..Begun::with(running) })
}

/// Starts a clone of the most advanced state in the cache. `None` if there is none.
fn with_state(
    spec: &ClusterSpec,
    toolchain: &Toolchain,
    cache: &Path,
    states: &[State],
) -> Result<Option<Begun>> {
    let recipe = spec.recipe(toolchain);
    for (index, state) in states.iter().enumerate().rev() {
        let Some((template, description)) = state.template(cache, &recipe)? else { continue };
        tracing::debug!("beginning with the cached state: {}", state.word);
        state::bring_key(&spec.layout, &template)?;
        if let Some(running) = start_clone(spec, toolchain, template)? {
            let reached = Some(Reached { index, description });
            return Ok(Some(Begun { reached, ..Begun::with(running) }));
        }
    }
    Ok(None)
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
    preparation: &Preparation<'_>,
) -> Result<Running> {
    let Cluster { spec, toolchain, .. } = running.stop(Shutdown::Fast)?;
    let data = spec.layout.data();
    let deposit = Deposit {
        stage: preparation.stage(),
        data: &data,
        moves: true,
        is_lasting: true,
        files: Vec::new(),
    };
    match Template::adopt(cache, recipe, &deposit) {
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
    prepare(&spec, &toolchain, Old::Remove, preparation).map(|begun| begun.running)
}
