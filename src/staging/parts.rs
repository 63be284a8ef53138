//! Tables that were read, until they are put together: files in a directory beside the patch file.
//!
//! A part is named by what it was read by (see `Chosen::how`), so a pull that goes on
//! after an interruption finds exactly what it would read again. It counts once its account stands
//! beside it. The directory is locked, is only there while a pull runs or may go on, and goes with
//! what is ours in it and nothing else.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use tempfile::{Builder, NamedTempFile};

use super::Pulled;
use super::read::unwritable;
use super::state::Mark;
use crate::error::{Error, IoContext, Result};

/// Keeps what a pull leaves out of version control.
const IGNORED: &str = ".gitignore";

/// The directory of one patch file.
pub(super) struct Parts {
    directory: PathBuf,
    _alone: Flock<File>,
}

/// A table that was read.
pub(super) struct Part {
    pub(super) file: PathBuf,
    pub(super) pulled: Pulled,
    /// How far it reads.
    pub(super) mark: Option<Mark>,
}

impl Parts {
    /// Opens it; what is left of an earlier pull stays only for one that goes on.
    ///
    /// # Errors
    /// `Conflict` while another pull writes the same file.
    pub(super) fn beside(file: &Path, resume: bool) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(".pull");
        let directory = file.with_file_name(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).on("create", &directory);
            }
            _ => {}
        }
        let opened = File::open(&directory).on("open", &directory)?;
        let locked = Flock::lock(opened, FlockArg::LockExclusiveNonblock);
        let alone = locked.map_err(|_| {
            Error::conflict(format!("another pull is writing {}", file.display()))
                .hint("wait until it has ended, or give this one another PATCH_SQL")
        })?;
        let parts = Self { directory, _alone: alone };
        if !resume {
            parts.empty();
        }
        std::fs::write(parts.directory.join(IGNORED), "*\n").on("write in", &parts.directory)?;
        Ok(parts)
    }

    /// The part that was read by `how`, if an earlier pull got so far.
    pub(super) fn find(&self, how: &str) -> Option<Part> {
        let file = self.place(how, "sql");
        let account = std::fs::read(self.place(how, "json")).ok()?;
        let (pulled, mark) = serde_json::from_slice(&account).ok()?;
        file.exists().then_some(Part { file, pulled, mark })
    }

    /// Writes a part. What is interrupted does not count.
    pub(super) fn write(
        &self,
        how: &str,
        mark: Option<Mark>,
        write: impl FnOnce(&mut dyn Write) -> Result<Pulled>,
    ) -> Result<Part> {
        let part = self.scratch()?;
        let mut out = BufWriter::with_capacity(1 << 18, part);
        let pulled = write(&mut out)?;
        let part = out.into_inner().map_err(|error| unwritable(error.error()))?;
        let mut account = self.scratch()?;
        let text = serde_json::to_vec(&(&pulled, &mark))
            .map_err(|error| Error::unexpected(format!("cannot write an account: {error}")))?;
        account.write_all(&text).map_err(|error| unwritable(&error))?;
        let file = self.place(how, "sql");
        let place = |from: NamedTempFile, to: &Path| {
            from.persist(to).map(drop).map_err(|error| error.error).on("write", to)
        };
        place(part, &file)?;
        place(account, &self.place(how, "json"))?;
        Ok(Part { file, pulled, mark })
    }

    /// How many are whole.
    pub(super) fn count(&self) -> usize {
        self.ours().iter().filter(|path| path.extension().is_some_and(|end| end == "json")).count()
    }

    /// Takes the directory away, with what is ours in it.
    pub(super) fn remove(self) {
        self.empty();
        // who has put something else there, keeps it
        let _ = std::fs::remove_dir(&self.directory);
    }

    fn empty(&self) {
        for path in self.ours() {
            let _ = std::fs::remove_file(path);
        }
    }

    /// What a pull has made there.
    fn ours(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let is_ours = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
                name == IGNORED
                    || name.starts_with(".part-")
                    || name.split_once('.').is_some_and(|(digest, end)| {
                        digest.len() == 64 && matches!(end, "sql" | "json")
                    })
            })
        };
        entries.map(|entry| entry.path()).filter(is_ours).collect()
    }

    fn place(&self, how: &str, end: &str) -> PathBuf {
        self.directory.join(format!("{how}.{end}"))
    }

    /// A file that is gone when it is dropped.
    fn scratch(&self) -> Result<NamedTempFile> {
        Builder::new().prefix(".part-").tempfile_in(&self.directory).on("write in", &self.directory)
    }
}
