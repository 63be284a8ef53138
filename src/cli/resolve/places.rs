//! The directories that belong to the user rather than to a project: temporary files, the registry of
//! private clusters, the cache.

use std::path::{Path, PathBuf};

use super::Resolve;
use crate::cluster::{self, Template};
use crate::environment::gc::Collector;
use crate::environment::place::{Place, Places};
use crate::environment::registry::Registry;
use crate::project::test::state::State;
use crate::sys::digest::sha256;
use crate::sys::error::Result;
use crate::sys::process::OsUser;

impl Resolve {
    /// The directory of temporary files, and of private clusters that are not in memory.
    pub fn temporary_directory(&self) -> PathBuf {
        self.env.path("TMPDIR").unwrap_or_else(|| "/tmp".into())
    }

    /// The places from which private clusters get theirs. The cache remembers how large the last
    /// private cluster of the project was.
    pub fn places(&self) -> Places {
        let size = |root: PathBuf| {
            let name = sha256(root.as_os_str().as_encoded_bytes());
            self.cache().ok().map(|cache| cache.join("size").join(&name[..32]))
        };
        let size = self.root().and_then(size);
        Places::new(self.temporary_directory(), self.env.path("PG_THROWAWAY_DIR"), size)
    }

    /// The place that the next private cluster would get.
    pub fn private_place(&self) -> Result<Place> {
        self.places().choose(false, 0, self.private_user()?.as_ref())
    }

    /// The file in the cache that names the tests of the project in `root` that failed last.
    pub fn test_state(&self, root: &Path) -> State {
        let name = sha256(root.as_os_str().as_encoded_bytes());
        State::at(self.cache_path().join("tests").join(&name[..32]))
    }

    /// The registry of private clusters: in the cache, else in a private directory that every shell
    /// of this user finds.
    pub fn registry(&self) -> Result<PathBuf> {
        let writable = |registry: &PathBuf| cluster::private_directory(registry).is_ok();
        let registry = self.cache().ok().map(|cache| cache.join("running"));
        if let Some(registry) = registry.filter(writable) {
            return Ok(registry);
        }
        let fallback = fallback();
        cluster::make_private(&fallback, OsUser::current().uid).map(|()| fallback)
    }

    /// The registry of development clusters. Nothing is made.
    pub fn clusters(&self) -> Registry {
        let cache = self.cache_path();
        let place = if cache.is_dir() { cache } else { fallback() };
        Registry::at(place.join("clusters"))
    }

    /// The places in which `gc` looks, as far as they are there. Nothing is made.
    pub fn collector(&self) -> Collector {
        let cache = self.cache_path();
        let registry = cache.join("running");
        let is_ours = |place: &PathBuf| place.is_dir() && cluster::private_directory(place).is_ok();
        let template = cache.join("template");
        Collector {
            private: if is_ours(&registry) { registry } else { fallback() },
            clusters: self.clusters(),
            temporary: self.temporary_directory(),
            templates: Some(template).filter(is_ours),
        }
    }

    /// The cached templates and states, with their directory. Waits for those that a process in the
    /// background is saving.
    pub fn kept_templates(&self) -> Result<(PathBuf, Vec<Template>)> {
        let cache = self.cache()?.join("template");
        cluster::wait_for_savers(&cache)?;
        let all = Template::all(&cache);
        Ok((cache, all))
    }

    pub(super) fn template_cache(&self) -> Option<PathBuf> {
        let cache = self.cache().and_then(|cache| {
            let template = cache.join("template");
            // one that is missing is made when it is needed
            if template.symlink_metadata().is_ok() {
                cluster::private_directory(&template)?;
            }
            Ok(template)
        });
        if let Err(error) = &cache {
            tracing::warn!(
                "no cache can be used in XDG_CACHE_HOME or HOME ({error}): a new cluster takes longer \
                 (PG_TEMPLATE=off says that this is intended)"
            );
        }
        cache.ok()
    }

    /// The cache, if it belongs to us and we can write to it.
    fn cache(&self) -> Result<PathBuf> {
        let cache = self.cache_path();
        cluster::private_directory(&cache).map(|()| cache)
    }

    fn cache_path(&self) -> PathBuf {
        let home = || self.env.path("HOME").unwrap_or_else(|| OsUser::current().home);
        // the XDG base directory specification has relative paths ignored
        let xdg = self.env.os("XDG_CACHE_HOME").map(Path::new).filter(|path| path.is_absolute());
        xdg.map_or_else(|| home().join(".cache"), Path::to_owned).join("db-tool")
    }

    /// The directories with logs.
    pub fn log_directories(&self) -> Result<Vec<PathBuf>> {
        let layout = self.layout()?;
        Ok(vec![layout.logs().to_owned(), layout.data().join("log")])
    }
}

/// The place of registries if the cache cannot be written to.
fn fallback() -> PathBuf {
    format!("/tmp/db-tool-{}", OsUser::current().uid).into()
}
