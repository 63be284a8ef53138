//! Finds the files of tests.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::migration::source::Source;
use crate::project::workspace::Workspace;
use crate::sys::error::{IoContext, Result};

/// The depth of directories down to which files are looked for.
const DEEPEST: usize = 32;

/// A file of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFile {
    /// The path.
    pub path: PathBuf,
    /// The path relative to the project's directory, for people.
    pub name: PathBuf,
}

/// The files of a project's tests, sorted by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suite {
    /// The files that run by themselves.
    pub files: Vec<TestFile>,
    /// The files that another file includes, with the first that does.
    pub included: Vec<(TestFile, PathBuf)>,
}

/// Finds the files below the directory of the tests whose names end in `.sql`. Hidden files and
/// directories do not count.
///
/// # Errors
/// `Failed` if a directory cannot be read. A file that cannot be read is a test that fails.
pub fn find(workspace: &Workspace) -> Result<Suite> {
    let mut paths = Vec::new();
    if let Some(directory) = workspace.test.parent().filter(|directory| directory.is_dir()) {
        walk(directory, 0, &mut paths)?;
    }
    paths.sort();
    let includes = includes(&paths, &workspace.root);
    let mut suite = Suite::default();
    for path in paths {
        let name = name_of(&path, &workspace.root);
        let file = TestFile { path, name };
        match includes.get(&real(&file.path)) {
            Some(by) => suite.included.push((file, name_of(by, &workspace.root))),
            None => suite.files.push(file),
        }
    }
    Ok(suite)
}

/// The path as people write it: relative to the project's directory, if it is below it.
pub fn name_of(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

fn walk(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).on("read", directory)? {
        let entry = entry.on("read", directory)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // a link to a directory could lead back up
        let kind = entry.file_type().on("read", &path)?;
        if kind.is_dir() && depth < DEEPEST {
            walk(&path, depth + 1, found)?;
        } else if path.extension() == Some(OsStr::new("sql")) && !path.is_dir() {
            found.push(path);
        }
    }
    Ok(())
}

/// The real paths of the files that other files include, each with the first file that does.
fn includes(paths: &[PathBuf], root: &Path) -> HashMap<PathBuf, PathBuf> {
    let mut includes = HashMap::new();
    for path in paths {
        let own = real(path);
        for part in Source::reachable(path, root).into_iter().skip(1) {
            let part = real(&part.path);
            if part != own {
                includes.entry(part).or_insert_with(|| path.clone());
            }
        }
    }
    includes
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
