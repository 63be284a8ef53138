//! The files below the directory of another tool.

use std::collections::BTreeMap;
use std::path::Path;

use super::found::NotTaken;
use crate::sys::error::{Error, IoContext, Result};

/// The depth to which directories are read.
const DEPTH: usize = 12;

/// Files with their contents, by the path below the directory. Hidden files are not among them.
#[derive(Debug, Default)]
pub struct Files {
    contents: BTreeMap<String, Vec<u8>>,
    /// The entries that cannot be read as files.
    pub skipped: Vec<NotTaken>,
}

impl Files {
    /// Reads everything below `root`, or only these entries of it.
    ///
    /// # Errors
    /// `Missing` (exit 3) if there is no such directory.
    pub fn read(root: &Path, only: Option<&[&str]>) -> Result<Self> {
        if !root.is_dir() {
            return Err(Error::missing(format!("there is no directory {}", root.display()))
                .hint("name the directory of the other tool: migrator import SOURCE"));
        }
        let mut files = Self::default();
        files.add(root, "", DEPTH, only)?;
        Ok(files)
    }

    /// Files with these contents, for tests.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let contents = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).into()));
        Self { contents: contents.collect(), skipped: Vec::new() }
    }

    fn add(
        &mut self,
        directory: &Path,
        prefix: &str,
        depth: usize,
        only: Option<&[&str]>,
    ) -> Result<()> {
        for entry in std::fs::read_dir(directory).on("read", directory)? {
            let entry = entry.on("read", directory)?;
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let mut skip = |why: &str| {
                self.skipped.push(NotTaken { what: name.clone(), why: why.to_owned() });
            };
            let kind = entry.file_type().on("read", &path)?;
            let is_other = only.is_some_and(|only| !only.contains(&name.as_str()));
            if is_other || entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            } else if entry.file_name().to_str().is_none() {
                skip("its name is not UTF-8");
            } else if kind.is_dir() && depth == 0 {
                skip("too deep below the directory");
            } else if kind.is_dir() {
                self.add(&path, &format!("{name}/"), depth - 1, None)?;
            } else if path.is_file() {
                let bytes = if has_text(&name) {
                    crate::sys::process::read_regular(&path).on("read", &path)?
                } else {
                    Vec::new()
                };
                self.contents.insert(name, bytes);
            } else if kind.is_symlink() && path.is_dir() {
                skip("a link to a directory");
            } else {
                skip("not a regular file");
            }
        }
        Ok(())
    }

    /// The paths, in the order of their bytes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contents.keys().map(String::as_str)
    }

    /// The content of a file, if there is such a file.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(name).map(Vec::as_slice)
    }

    /// The text of a file without a byte order mark.
    ///
    /// # Errors
    /// `Conflict` if it is not UTF-8 or holds a zero byte, `Missing` if there is no such file.
    pub fn text(&self, name: &str) -> Result<String> {
        let bytes = self
            .bytes(name)
            .ok_or_else(|| Error::missing(format!("there is no file {name}")).hint("restore it"))?;
        let line = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            return Err(Error::conflict(format!(
                "{name}:{}: the text holds a zero byte",
                line(at)
            ))
            .hint("convert the file: iconv -f UTF-16 -t UTF-8"));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(error) => Err(Error::conflict(format!(
                "{name}:{}: the text is not UTF-8",
                line(error.valid_up_to())
            ))
            .hint("convert the file: iconv -f LATIN1 -t UTF-8")),
        }
    }
}

/// Whether the content of a file with this name matters.
fn has_text(name: &str) -> bool {
    [".sql", ".plan", ".conf", ".toml"].iter().any(|extension| name.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_followed_and_other_entries_are_named() {
        let root = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| root.path().join(name);
        std::fs::create_dir(path("sub")).expect("made");
        std::fs::write(path("sub/1_a.sql"), "\u{feff}SELECT 1;").expect("written");
        std::fs::write(path(".hidden.sql"), "x").expect("written");
        std::os::unix::fs::symlink(path("sub/1_a.sql"), path("2_b.sql")).expect("linked");
        std::os::unix::fs::symlink(path("sub"), path("link")).expect("linked");
        std::os::unix::fs::symlink(path("gone"), path("3_c.sql")).expect("linked");
        let files = Files::read(root.path(), None).expect("read");
        assert_eq!(files.names().collect::<Vec<_>>(), ["2_b.sql", "sub/1_a.sql"]);
        assert_eq!(files.text("2_b.sql").expect("text"), "SELECT 1;");
        let mut skipped: Vec<_> = files.skipped.iter().map(|skipped| &skipped.what).collect();
        skipped.sort();
        assert_eq!(skipped, ["3_c.sql", "link"]);
    }

    #[test]
    fn other_encodings_are_refused_with_their_line() {
        let mut files = Files::default();
        files.contents.insert("a".into(), b"x\n'\xe9'".to_vec());
        files.contents.insert("b".into(), b"x\n\0".to_vec());
        for name in ["a", "b"] {
            assert!(files.text(name).expect_err("bytes").message().contains(":2:"));
        }
    }
}
