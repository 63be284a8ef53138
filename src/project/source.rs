//! The project's sources, which hydration runs.

use std::path::PathBuf;

use crate::migration;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::psql::script::Script;
use crate::postgres::toolchain::Toolchain;
use crate::project::closure::{self, Obstacle};
use crate::project::workspace::{Workspace, require_file};
use crate::sys::error::Result;

/// The sources of a project, beginning with the entry point.
#[derive(Debug, Clone)]
pub struct Source {
    script: Script,
}

impl Source {
    /// Finds the sources of `workspace`. Exits with 3 if there is no entry point. `mock` sets the
    /// psql variable `USE_MOCK`.
    pub fn of(workspace: &Workspace, mock: bool, log: Option<PathBuf>) -> Result<Self> {
        require_file(
            &workspace.entrypoint,
            "the entry point",
            "create it and include the sources with \\ir, or set DATABASE_SOURCE or \
             HYDRATE_ENTRYPOINT",
        )?;
        let variables =
            if mock { vec![("USE_MOCK".to_owned(), "1".to_owned())] } else { Vec::new() };
        let file = workspace.entrypoint.clone();
        Ok(Self { script: Script { file, variables, directory: workspace.root.clone(), log } })
    }

    /// Lists the files that psql will run, with their texts. Paths are relative to the project's
    /// directory. The list lacks files whose names only psql can compute.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let directory = &self.script.directory;
        let parts = migration::source::Source::reachable(&self.script.file, directory);
        let named = parts.into_iter().map(|part| {
            let path = part.path.strip_prefix(directory).map_or(part.path.clone(), Into::into);
            (path, part.text)
        });
        named.collect()
    }

    /// The digest of everything that decides what hydration does.
    pub fn digest(&self) -> std::result::Result<String, Obstacle> {
        closure::digest(&self.script)
    }

    pub fn hydrate(&self, toolchain: &Toolchain, conninfo: &Conninfo) -> Result<()> {
        self.script.run(toolchain, conninfo)
    }
}
