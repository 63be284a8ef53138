//! Remembers which tests of a project have failed.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::sys::error::{IoContext, Result};
use crate::sys::file::replace;
use crate::sys::process::read_regular;

/// The file with the failed tests of a project.
#[derive(Debug, Clone)]
pub struct State {
    path: PathBuf,
}

impl State {
    /// The state in a file, which the first run makes.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The keys of the files that failed when they ran last. `None` before the first run.
    pub fn failed(&self) -> Result<Option<HashSet<String>>> {
        let text = match read_regular(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.on("read", &self.path)?,
        };
        let text = String::from_utf8_lossy(&text);
        Ok(Some(text.lines().map(str::to_owned).collect()))
    }

    /// Remembers which files of a run have passed. The other files keep their outcomes.
    pub fn remember<'a>(&self, outcomes: impl IntoIterator<Item = (&'a Path, bool)>) -> Result<()> {
        let before = self.failed()?.unwrap_or_default();
        let text: String = after(before, outcomes).iter().map(|key| format!("{key}\n")).collect();
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory).on("create", directory)?;
        }
        replace(&self.path, &text)
    }
}

/// The name of a file on one line of text, whatever bytes it has.
pub fn key(name: &Path) -> String {
    name.as_os_str().as_encoded_bytes().escape_ascii().to_string()
}

/// The sorted keys of the files that failed last.
fn after<'a>(
    mut failed: HashSet<String>,
    outcomes: impl IntoIterator<Item = (&'a Path, bool)>,
) -> Vec<String> {
    for (name, passed) in outcomes {
        let key = key(name);
        match passed {
            true => failed.remove(&key),
            false => failed.insert(key),
        };
    }
    let mut failed: Vec<String> = failed.into_iter().collect();
    failed.sort();
    failed
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn path(name: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(name))
    }

    #[test]
    fn a_file_fails_until_it_passes() {
        let place = tempfile::tempdir().expect("temporary directory");
        let state = State::at(place.path().join("tests/one"));
        assert_eq!(state.failed(), Ok(None));
        state.remember([(path(b"a"), false), (path(b"b\xff\n"), false)]).expect("written");
        state.remember([(path(b"a"), true), (path(b"c"), true)]).expect("written");
        let failed = state.failed().expect("read").expect("there");
        assert_eq!(failed, HashSet::from([r"b\xff\n".to_owned()]));
    }
}
