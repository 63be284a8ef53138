//! Chooses the files that a command runs, and says why there are none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::find::{Suite, TestFile, find, name_of};
use super::select::{Choice, included, select};
use super::state::State;
use crate::project::workspace::{Workspace, require_file};
use crate::sys::error::{Error, Result};

/// The names of tests that an error lists.
const MOST_NAMES: usize = 5;

/// The request of a user.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The filters, the order and the shard.
    pub choice: Choice,
    /// All files, although there is a main file.
    pub all: bool,
    /// Only the files that failed last.
    pub failed: bool,
}

/// The files of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The files, in their order.
    pub files: Vec<TestFile>,
    /// Whether the main file, `test.sql`, runs instead of all files.
    pub is_main: bool,
}

/// Chooses the files of a run. If there is a main file, it runs alone, unless the user asks for
/// others. The list may be empty: an empty shard, or nothing has failed.
///
/// # Errors
/// `Missing` if the project has no tests, if a filter fits none, or if nobody knows what failed.
pub fn choose(workspace: &Workspace, request: &Request, state: &State) -> Result<Chosen> {
    let is_main = !request.all
        && request.choice.filters.is_empty()
        // whatever it is: an error tells more than other tests
        && workspace.test.symlink_metadata().is_ok();
    let suite = if is_main { main(workspace)? } else { find(workspace)? };
    if suite.files.is_empty() {
        require_file(&workspace.test, "the test file", "create it, or set DATABASE_DIR")?;
    }
    let only = match request.failed {
        true => Some(state.failed()?.ok_or_else(no_state)?),
        false => None,
    };
    let choice = Choice { only, ..request.choice.clone() };
    let selection = select(&suite, &choice, &workspace.root);
    match selection.unmatched.first() {
        Some(filter) => Err(no_match(&suite, filter, &workspace.root)),
        None => Ok(Chosen { files: selection.files, is_main }),
    }
}

fn main(workspace: &Workspace) -> Result<Suite> {
    require_file(&workspace.test, "the test file", "create it, or set DATABASE_DIR")?;
    let (path, name) = (workspace.test.clone(), name_of(&workspace.test, &workspace.root));
    Ok(Suite { files: vec![TestFile { path, name }], included: Vec::new() })
}

fn no_state() -> Error {
    Error::missing("no earlier run of the tests is known, so nobody knows which failed")
        .hint("run them once without --failed: database test")
}

fn no_match(suite: &Suite, filter: &OsString, root: &Path) -> Error {
    let error = Error::missing(format!("no test has \"{}\" in its path", filter.display()));
    if let Some((file, by)) = included(suite, filter, root) {
        let (file, by) = (file.name.display(), by.display());
        return error.hint(format!("{by} includes {file}, which never runs by itself: run {by}"));
    }
    let names: Vec<&PathBuf> = suite.files.iter().map(|file| &file.name).collect();
    let shown = names.iter().take(MOST_NAMES).map(|name| name.display().to_string());
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = names.len().saturating_sub(MOST_NAMES) {
        shown += &format!(" and {more} more");
    }
    error.hint(format!("the tests are {shown}"))
}
