//! States of a database that the cache keeps: a cluster after hydration, after the patch, after so
//! many migrations.
//!
//! The caller computes the key of a state from everything that made it. A state lies in the template
//! cache beside the other templates, with two more files: its description, and the key file that
//! opens its secrets. A clone of the state gets this key file, too.

use std::path::{Path, PathBuf};

use super::cache::{Deposit, Template};
use super::description::{DESCRIPTION, Description, Details};
use super::recipe::{Recipe, Stage};
use super::saving::{self, wait_for_saver};
use crate::cluster::files::{private_directory, read_small, replace_file};
use crate::cluster::{Cluster, ClusterSettings, Layout, Lock, Running};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;
use crate::sys::signal;

/// The name of the key file in the directory of a template.
const KEY: &str = "hectic.key";

/// The name of the file with the maker's note.
const NOTE: &str = "note";

/// A state that the cache may hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct State {
    /// A word for people: `hydrated`, `patched` or `migrated`.
    pub word: String,
    /// The key of the state if it holds no sealed values.
    pub key: String,
    /// The key of the state if it does: they can only be opened with certain keys.
    pub sealed_key: String,
}

/// The state with which a cluster began.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Its index in the list of states.
    pub index: usize,
    /// Its description.
    pub description: Description,
}

impl State {
    fn stages(&self) -> [Stage<'_>; 2] {
        [&self.key, &self.sealed_key].map(|key| Stage { word: &self.word, key })
    }

    /// Finds the state in the cache of `spec`. Makes nothing.
    pub fn find(
        &self,
        settings: &ClusterSettings,
        toolchain: &Toolchain,
    ) -> Result<Option<Description>> {
        let Some(cache) = &settings.template_cache else { return Ok(None) };
        let found = self.template(cache, &settings.recipe(toolchain))?;
        Ok(found
            .filter(|(template, _)| template.is_unchanged())
            .map(|(_, description)| description))
    }

    /// Makes the sign that a process saves this state, so that other commands wait for it. `None` if
    /// one does so already, or if there is no cache.
    pub fn sign(&self, settings: &ClusterSettings, toolchain: &Toolchain) -> Result<Option<Lock>> {
        let Some(cache) = &settings.template_cache else { return Ok(None) };
        let _ourselves = ActingAs::ourselves();
        private_directory(cache)?;
        saving::sign(&self.place(cache, &settings.recipe(toolchain))?)
    }

    /// Removes the sign. The caller has inherited its lock.
    pub fn remove_sign(&self, settings: &ClusterSettings, toolchain: &Toolchain) -> Result<()> {
        let Some(cache) = &settings.template_cache else { return Ok(()) };
        let _ourselves = ActingAs::ourselves();
        saving::remove_sign(&self.place(cache, &settings.recipe(toolchain))?)
    }

    /// The place of its template if it holds no sealed values.
    pub(super) fn place(&self, cache: &Path, recipe: &Recipe<'_>) -> Result<PathBuf> {
        let [plain, _] = self.stages();
        Ok(cache.join(recipe.name(Some(plain))?))
    }

    /// Its template. Waits a little if another process is about to save it.
    pub(super) fn template(
        &self,
        cache: &Path,
        recipe: &Recipe<'_>,
    ) -> Result<Option<(Template, Description)>> {
        let found = self.look(cache, recipe)?;
        if found.is_none() && wait_for_saver(&self.place(cache, recipe)?)? {
            return self.look(cache, recipe);
        }
        Ok(found)
    }

    fn look(&self, cache: &Path, recipe: &Recipe<'_>) -> Result<Option<(Template, Description)>> {
        for stage in self.stages() {
            if let Some(template) = Template::find(cache, recipe, Some(stage))?
                && let Some(description) = template.file(DESCRIPTION)
                && let Ok(mut description) = serde_json::from_slice::<Description>(&description)
            {
                description.note = template.text(NOTE);
                return Ok(Some((template, description)));
            }
        }
        Ok(None)
    }
}

impl Cluster {
    /// Moves the data directory of this cluster, which is stopped, into the cache. The caller
    /// removes the rest of the cluster.
    pub fn become_state(self, state: &State, details: &Details) -> Result<()> {
        keep(&self, state, details, true)
    }

    /// Copies this cluster, which is stopped, into the cache.
    pub fn save_state(&self, state: &State, details: &Details) -> Result<()> {
        keep(self, state, details, false)
    }
}

impl Running {
    /// Copies the cluster into the cache. Stops the server for this; all sessions end.
    pub fn save_state(&mut self, state: &State, details: &Details) -> Result<()> {
        self.restart(|cluster| cluster.save_state(state, details))
    }
}

/// Puts the state into the cache. A command has done its work without that, too, so only a signal is
/// an error here.
fn keep(cluster: &Cluster, state: &State, details: &Details, moves: bool) -> Result<()> {
    if let Err(error) = put(cluster, state, details, moves) {
        signal::check()?;
        tracing::debug!("not cached: {error}");
    }
    Ok(())
}

fn put(cluster: &Cluster, state: &State, details: &Details, moves: bool) -> Result<()> {
    let spec = &cluster.spec;
    let Some(cache) = &spec.settings.template_cache else { return Ok(()) };
    let description = serde_json::to_vec(&Description::of(&state.word, details))
        .map_err(|error| Error::unexpected(format!("cannot describe the state: {error}")))?;
    let mut files = vec![(DESCRIPTION, description)];
    files.extend(details.note.as_ref().map(|note| (NOTE, note.clone().into_bytes())));
    let [plain, sealed] = state.stages();
    if details.sealed {
        let place = spec.layout.key();
        let _acting = spec.act()?;
        files.push((KEY, read_small(&place).on("read", &place)?));
    }
    let stage = if details.sealed { sealed } else { plain };
    let data = spec.layout.data();
    let deposit = Deposit { stage, data: &data, moves, is_lasting: false, files };
    Template::adopt(cache, &spec.recipe(&cluster.toolchain), &deposit).map(drop)
}

/// Gives a clone the key file of its state. A key file that is there keeps its keys in front.
pub(super) fn bring_key(layout: &Layout, template: &Template) -> Result<()> {
    let Some(brought) = template.file(KEY) else { return Ok(()) };
    let place = layout.key();
    let there = match read_small(&place) {
        Ok(there) => there,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).on("read", &place),
    };
    match merged(&String::from_utf8_lossy(&there), &String::from_utf8_lossy(&brought)) {
        Some(text) => replace_file(&place, &text),
        None => Ok(()),
    }
}

/// The lines of `there`, and then those lines of `brought` that it lacks. `None` if it lacks none.
fn merged(there: &str, brought: &str) -> Option<String> {
    let missing: Vec<_> = brought
        .lines()
        .filter(|line| !there.lines().any(|known| known.trim() == line.trim()))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let end = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
    Some(format!("{there}{end}{}\n", missing.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_added_behind_those_that_are_there() {
        assert_eq!(merged("", "# head\na\n").as_deref(), Some("# head\na\n"));
        assert_eq!(merged("# head\nb\n", "# head\na\n").as_deref(), Some("# head\nb\na\n"));
        assert_eq!(merged("b", "a").as_deref(), Some("b\na\n"));
        assert_eq!(merged("# other\nb\na\n", "a\n"), None);
    }
}
