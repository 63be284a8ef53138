//! The schema file on the disk.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::{ActingAs, read_text};

/// The beginning of the first line, by which db-tool knows its own files.
const MARK: &str = "-- The schema of the database, written by `database schema dump`";

/// A schema file. It exists or not.
#[derive(Debug, Clone)]
pub struct SchemaFile {
    path: PathBuf,
}

impl SchemaFile {
    /// The first line of every schema file.
    pub const FIRST_LINE: &str =
        "-- The schema of the database, written by `database schema dump`: do not edit it.";

    /// The file at this place.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, with uniform line ends.
    ///
    /// # Errors
    /// `Missing` (exit 3) if there is none; `Conflict` (exit 2) if db-tool did not write it.
    pub fn read(&self) -> Result<String> {
        let path = self.path.display();
        if !self.path.exists() {
            return Err(Error::missing(format!("there is no schema file {path}"))
                .hint(format!("write it: database schema dump -o {path}")));
        }
        let text = read_text(&self.path).on("read", &self.path)?.replace("\r\n", "\n");
        match text.is_empty() || text.starts_with(MARK) {
            true => Ok(text),
            false => Err(Error::conflict(format!(
                "{path} is not a file of `database schema dump`"
            ))
            .detail(
                "Its first line lacks the mark of such a file, so a person may have written it.",
            )
            .hint("choose another file, or move this one away")),
        }
    }

    /// Checks that the file may be written.
    ///
    /// # Errors
    /// `Conflict` (exit 2) if somebody else wrote the file that is there.
    pub fn check(&self) -> Result<()> {
        match self.path.symlink_metadata() {
            Ok(_) => self.read().map(drop),
            Err(_) => Ok(()),
        }
    }

    /// Puts the text in the place of the file, in one step. Returns false if the file has this text
    /// already.
    pub fn write(&self, text: &str) -> Result<bool> {
        self.check()?;
        // a link keeps its place, and its file is replaced
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _acting = ActingAs::controller_of(&path)?;
        if read_text(&path).is_ok_and(|present| present == text) {
            return Ok(false);
        }
        let parent = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent).on("create", parent)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let mut part = tempfile::Builder::new()
            .prefix(".schema-")
            .permissions(mode)
            .tempfile_in(parent)
            .on("write to", parent)?;
        part.write_all(text.as_bytes()).on("write", &path)?;
        part.as_file().sync_all().on("write", &path)?;
        part.persist(&path).map_err(|error| error.error).on("write", &path)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_person_stays() {
        let root = tempfile::tempdir().expect("temporary directory");
        let file = SchemaFile::new(root.path().join("db/schema.sql"));
        assert!(file.read().expect_err("missing").message().contains("no schema file"));
        let text = format!("{}\nA;\n", SchemaFile::FIRST_LINE);
        assert!(file.write(&text).expect("written"));
        assert!(!file.write(&text).expect("the same"));
        assert_eq!(file.read().expect("read"), text);
        std::fs::write(file.path(), text.replace('\n', "\r\n")).expect("written");
        assert_eq!(file.read().expect("read"), text);
        std::fs::write(file.path(), "CREATE TABLE mine ();\n").expect("written");
        file.write(&text).expect_err("refused");
        assert_eq!(read_text(file.path()).expect("read"), "CREATE TABLE mine ();\n");
        let names = std::fs::read_dir(root.path().join("db")).expect("listed").count();
        assert_eq!(names, 1);
    }
}
