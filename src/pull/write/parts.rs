//! The parts of a pull: tables that were read, in a directory beside the patch file.
//!
//! A part is a file of its own, or a range of the draft when one job reads all tables. Each part
//! has a receipt, whose name is the fingerprint of the query (see `PullPlan::fingerprint`). A resumed pull
//! therefore reuses a part only if it would read the same again. A pull locks the directory. After
//! a complete pull it removes its own files, and the directory if it is empty.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tempfile::{Builder, NamedTempFile};

use crate::pull::Pulled;
use crate::pull::read::rows::unwritable;
use crate::pull::select::watermark::Watermark;
use crate::sys::error::{Error, IoContext, Result};
use crate::sys::process::ActingAs;

/// A file that keeps the parts out of version control.
const IGNORED: &str = ".gitignore";

/// The directory with the parts of one patch file.
pub(in crate::pull) struct Parts {
    directory: PathBuf,
    _alone: Flock<File>,
}

/// A table that was read.
#[derive(Serialize, Deserialize)]
pub(in crate::pull) struct Part {
    /// The file in the directory that contains the rows.
    pub(in crate::pull) file: PathBuf,
    /// The range of the rows in that file.
    pub(in crate::pull) bytes: Range<u64>,
    pub(in crate::pull) pulled: Pulled,
    /// The high-water mark of the table.
    pub(in crate::pull) mark: Option<Watermark>,
}

impl Parts {
    /// Opens the directory. Removes the parts of an earlier pull, unless this pull resumes it.
    ///
    /// # Errors
    /// `Conflict` while another pull writes the same file.
    pub(in crate::pull) fn beside(file: &Path, resume: bool) -> Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(".pull");
        let directory = file.with_file_name(name);
        let _acting = ActingAs::controller_of(file)?;
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).on("create", &directory);
            }
            _ => {}
        }
        let opened = crate::sys::process::open_directory(&directory).on("open", &directory)?;
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

    /// Finds the part with this fingerprint, if an earlier pull finished it.
    pub(in crate::pull) fn find(&self, fingerprint: &str) -> Option<Part> {
        let receipt = crate::sys::process::read_regular(self.receipt(fingerprint)).ok()?;
        let part: Part = serde_json::from_slice(&receipt).ok()?;
        let length = self.open(&part).and_then(|file| file.metadata().on("read", &part.file));
        length.is_ok_and(|file| part.bytes.end <= file.len()).then_some(part)
    }

    /// Opens the file that contains a part.
    pub(in crate::pull) fn open(&self, part: &Part) -> Result<File> {
        // use the file name only, so that a receipt cannot name a file elsewhere
        let file = self.directory.join(part.file.file_name().unwrap_or_default());
        let _acting = ActingAs::controller_of(&self.directory)?;
        crate::sys::process::open_regular(&file).on("read", &file)
    }

    /// Writes the receipt of a part, which makes the part valid.
    pub(in crate::pull) fn keep(&self, fingerprint: &str, part: &Part) -> Result<()> {
        let text = serde_json::to_vec(part)
            .map_err(|error| Error::unexpected(format!("cannot write an receipt: {error}")))?;
        let mut receipt = self.scratch()?;
        receipt.write_all(&text).map_err(|error| unwritable(&error))?;
        persist(receipt, &self.receipt(fingerprint))
    }

    /// Writes a part into a file of its own.
    pub(in crate::pull) fn write(
        &self,
        fingerprint: &str,
        mark: Option<Watermark>,
        write: impl FnOnce(&mut dyn Write) -> Result<Pulled>,
    ) -> Result<Part> {
        let mut out = BufWriter::with_capacity(1 << 18, self.scratch()?);
        let pulled = write(&mut out)?;
        let written = out.into_inner().map_err(|error| unwritable(error.error()))?;
        let file = PathBuf::from(format!("{fingerprint}.sql"));
        let length = written.as_file().metadata().on("read", written.path())?.len();
        persist(written, &self.directory.join(&file))?;
        let part = Part { file, bytes: 0..length, pulled, mark };
        self.keep(fingerprint, &part)?;
        Ok(part)
    }

    /// The number of valid parts.
    pub(in crate::pull) fn count(&self) -> usize {
        let is_receipt = |path: &&PathBuf| path.extension().is_some_and(|end| end == "json");
        let ours = self.ours();
        let fingerprint =
            ours.iter().filter(is_receipt).filter_map(|path| path.file_stem()?.to_str());
        fingerprint.filter(|fingerprint| self.find(fingerprint).is_some()).count()
    }

    /// Removes the pull's files, and the directory if it is empty.
    pub(in crate::pull) fn remove(self) {
        self.empty();
        // fails if somebody else put a file there
        let _ = std::fs::remove_dir(&self.directory);
    }

    fn empty(&self) {
        for path in self.ours() {
            let _ = std::fs::remove_file(path);
        }
    }

    /// The files of a pull in the directory.
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

    fn receipt(&self, fingerprint: &str) -> PathBuf {
        self.directory.join(format!("{fingerprint}.json"))
    }

    /// Makes a temporary file, which is removed when it is dropped.
    pub(in crate::pull) fn scratch(&self) -> Result<NamedTempFile> {
        let _acting = ActingAs::controller_of(&self.directory)?;
        Builder::new().prefix(".part-").tempfile_in(&self.directory).on("write in", &self.directory)
    }
}

fn persist(from: NamedTempFile, to: &Path) -> Result<()> {
    let _acting = ActingAs::controller_of(to)?;
    from.persist(to).map(drop).map_err(|error| error.error).on("write", to)
}
