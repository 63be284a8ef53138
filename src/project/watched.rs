//! The files of a project whose changes `database watch` reacts to.
//!
//! Every file in the project's directories counts, because it may be included tomorrow. Outside of
//! these directories, only files count that are named: by the settings, or by an include. Files that
//! editors make for a moment never count; nor do files that db-tool itself writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::postgres::psql::script::Script;
use crate::project::closure;
use crate::project::workspace::Workspace;

/// The files of a project that count. Its paths hold no links, so that they are equal to those that
/// the system reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Directories in which every file counts.
    trees: BTreeSet<PathBuf>,
    /// Further files.
    files: BTreeSet<PathBuf>,
    /// Directories and files in the trees that do not count.
    excluded: BTreeSet<PathBuf>,
}

impl Watched {
    /// The files of `workspace`: its directories without the `excluded` ones, the files that
    /// `scripts` include, and `named` files. Reads the scripts.
    pub fn of(
        workspace: &Workspace,
        scripts: &[&Path],
        named: impl IntoIterator<Item = PathBuf>,
        excluded: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let source = workspace.entrypoint.parent().map(Path::to_owned);
        let trees = source.into_iter().chain([workspace.database_directory.clone()]);
        let closure = scripts.iter().flat_map(|file| {
            let directory = workspace.root.clone();
            let script =
                Script { file: (*file).to_owned(), variables: Vec::new(), directory, log: None };
            closure::files(&script)
        });
        Self {
            trees: trees.flat_map(|path| real(&path)).collect(),
            files: named.into_iter().chain(closure).flat_map(|path| real(&path)).collect(),
            excluded: excluded.into_iter().flat_map(|path| real(&path)).collect(),
        }
    }

    /// Whether a change of the file or directory `path` counts.
    pub fn counts(&self, path: &Path) -> bool {
        // a directory above may have been removed or made again
        let holds_input = || self.trees.iter().chain(&self.files).any(|own| own.starts_with(path));
        holds_input() || self.is_in_tree(path)
    }

    fn is_in_tree(&self, path: &Path) -> bool {
        let below = self.trees.iter().find_map(|tree| path.strip_prefix(tree).ok());
        let is_hidden = |below: &Path| below.iter().any(|name| name.as_encoded_bytes()[0] == b'.');
        below.is_some_and(|below| !is_hidden(below))
            && !path.file_name().is_some_and(|name| is_passing(&name.to_string_lossy()))
            && !self.excluded.iter().any(|excluded| path.starts_with(excluded))
    }

    /// The directories in which something can change that counts, and that exist.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for tree in &self.trees {
            self.collect(tree, &mut found);
        }
        for path in self.trees.iter().chain(&self.files) {
            found.extend(path.ancestors().skip(1).find(|above| above.is_dir()).map(Path::to_owned));
        }
        found
    }

    fn collect(&self, directory: &Path, found: &mut BTreeSet<PathBuf>) {
        // a link leads to another tree, or back to a directory above
        let is_own = directory.symlink_metadata().is_ok_and(|facts| facts.is_dir());
        if !is_own || !self.is_in_tree(directory) || !found.insert(directory.to_owned()) {
            return;
        }
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.collect(&entry.path(), found);
            }
        }
    }
}

/// The path without links, as far as it exists; and the path of the link, if it is one itself.
fn real(path: &Path) -> Vec<PathBuf> {
    let resolved = std::fs::canonicalize(path);
    let mut above = path.ancestors().skip(1);
    let named = above.find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        std::fs::canonicalize(above).ok().map(|above| above.join(rest))
    });
    resolved.into_iter().chain(named).collect()
}

/// Whether an editor makes a file of this name for a moment: swap files, backups, and the files by
/// which vim tests a directory.
fn is_passing(name: &str) -> bool {
    name.starts_with('#')
        || name.ends_with('~')
        || name.contains("___jb_")
        || [".swp", ".swx", ".swo", ".tmp"].iter().any(|end| name.ends_with(end))
        || name.len() == 4 && name.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<const N: usize>(paths: [&str; N]) -> BTreeSet<PathBuf> {
        paths.into_iter().map(PathBuf::from).collect()
    }

    fn project() -> Watched {
        Watched {
            trees: paths(["/p/db", "/elsewhere/src"]),
            files: paths([
                "/p/.env",
                "/p/database.toml",
                "/shared/types.sql",
                "/p/db/migration/1/up.sql",
            ]),
            excluded: paths(["/p/db/migration", "/p/db/focus"]),
        }
    }

    #[test]
    fn files_of_the_project_count() {
        let project = project();
        for path in [
            "/p/db/src/entrypoint.sql",
            "/p/db/src/new/file.sql",
            "/p/db/rows.csv",
            "/p/db/src/2024/a.sql",
            "/elsewhere/src/a.sql",
            "/shared/types.sql",
            "/p/.env",
            "/p/db/migration/1/up.sql", // a source includes it
            "/p/db",
            "/p",
            "/shared",
        ] {
            assert!(project.counts(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn other_files_do_not_count() {
        let project = project();
        for path in [
            "/p/README.md",
            "/p/dbx/a.sql",
            "/p/.env.other",
            "/p/db/focus/postgresql/data/base/1",
            "/p/db/migration/1/down.sql",
            "/shared/other.sql",
            "/p/db/.git/index",
            "/p/db/src/.a.sql.swp",
            "/p/db/src/a.sql~",
            "/p/db/src/.#a.sql",
            "/p/db/src/#a.sql#",
            "/p/db/src/4913",
            "/p/db/src/a.sql.swp",
            "/p/db/src/a.sql___jb_tmp___",
        ] {
            assert!(!project.counts(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn directories_are_found_without_links_and_excluded_ones() {
        let place = tempfile::tempdir().expect("temporary directory");
        let root = place.path().canonicalize().expect("found");
        let at = |name: &str| root.join(name);
        for name in ["db/src/deep", "db/migration/1", "db/.git", "shared"] {
            std::fs::create_dir_all(at(name)).expect("made");
        }
        std::os::unix::fs::symlink(at("db"), at("link")).expect("linked");
        let sources = "\\i shared/a.sql\n\\ir missing.sql\n\\copy t from 'gone/rows.csv' csv\n";
        std::fs::write(at("db/src/entrypoint.sql"), sources).expect("written");
        let workspace = Workspace {
            root: root.clone(),
            database_directory: at("link"),
            entrypoint: at("link/src/entrypoint.sql"),
            patch: crate::project::workspace::Patch { file: at("patch.sql"), named: false },
            test: at("link/test/test.sql"),
            hydrate_log: None,
            patch_log: None,
        };
        let scripts = [workspace.entrypoint.as_path()];
        let watched = Watched::of(&workspace, &scripts, [], [at("link/migration")]);
        let expected = ["", "db", "db/src", "db/src/deep", "shared"];
        let expected = expected.map(|name| if name.is_empty() { root.clone() } else { at(name) });
        assert_eq!(watched.directories(), BTreeSet::from(expected));
        for name in ["db/src/missing.sql", "shared/a.sql", "gone/rows.csv", "gone", "link"] {
            assert!(watched.counts(&at(name)), "{name}");
        }
        assert!(!watched.counts(&at("db/migration/1/up.sql")));
    }
}
