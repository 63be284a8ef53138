//! `database new`: a project that passes `check` at once.

use std::path::{Path, PathBuf};

use crate::project::new;
use crate::project::new::Written;
use crate::sys::error::{Error, Result};

/// The arguments of `new`.
#[derive(Debug)]
pub struct New {
    /// The project's root.
    pub root: PathBuf,
    /// The user's home directory, which is no project.
    pub home: PathBuf,
    /// Whether to write a flake.
    pub with_nix: bool,
}

/// A new project.
#[derive(Debug)]
pub struct Created {
    /// Its root.
    pub root: PathBuf,
    /// Its files.
    pub written: Written,
    /// The project that it is below of.
    pub above: Option<PathBuf>,
}

impl New {
    /// Writes the project, all of it or nothing.
    pub fn run(&self) -> Result<Created> {
        let root = self.place()?;
        let written = new::write(&root, &new::files(&new::name_of(&root), self.with_nix))?;
        let above = new::project_above(&root).map(Path::to_owned);
        Ok(Created { root, written, above })
    }

    fn place(&self) -> Result<PathBuf> {
        let root = new::resolved(&self.root);
        if root.to_str().is_none() {
            return Err(Error::conflict(format!("{} is not valid UTF-8", root.display()))
                .hint("a URL has to name the directory of the cluster: choose another name"));
        }
        if root == new::resolved(&self.home) {
            return Err(Error::conflict(format!("{} is your home directory", root.display()))
                .hint("a project has a directory of its own: database new DIR"));
        }
        Ok(root)
    }
}
