//! The receipt of a pulled file: a file beside it that holds its digest, and in comments, which
//! `sha256sum -c` ignores, the tables and their numbers of rows. `patch` checks the receipt before
//! it loads the file.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::pull::Pulled;
use crate::sys::digest::{hex, sha256_of_file};
use crate::sys::error::{Error, IoContext, Result};

/// The digest of a pulled file, in the format of `sha256sum`.
pub(in crate::pull) struct Receipt(pub(in crate::pull) String);

impl Receipt {
    /// The digest of the bytes that `digest` has seen.
    pub(in crate::pull) fn of(digest: Sha256) -> Self {
        Self(hex(&digest.finalize()))
    }

    /// Runs `replace`, which puts the file into its place, and writes the receipt afterwards. A
    /// pull that is interrupted in between must not leave a receipt for another file; without a
    /// receipt, `patch` treats the file as an ordinary script.
    pub(in crate::pull) fn publish(
        &self,
        file: &Path,
        contents: &[&TableReceipt],
        replace: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let place = place(file);
        match std::fs::remove_file(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).on("remove", &place);
            }
            _ => {}
        }
        replace()?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut text = format!("{}  {name}\n", self.0);
        contents.iter().for_each(|content| text += &content.to_string());
        crate::sys::file::replace(&place, &text)
    }
}

/// The rows of one table in a pulled file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReceipt {
    /// The table's name. Line breaks in it are replaced by blanks.
    pub table: String,
    /// The number of rows.
    pub rows: u64,
    /// The checksum of the rows in any order, after masking.
    checksum: String,
    /// Loading leaves existing rows as they are, so the loaded table may differ from the file.
    pub keeps: bool,
}

impl TableReceipt {
    pub(in crate::pull) fn of(pulled: &Pulled, keeps: bool) -> Self {
        let table = pulled.table.replace(['\n', '\r'], " ");
        let checksum = pulled.amount.checksum.to_string();
        Self { table, rows: pulled.amount.rows, checksum, keeps }
    }

    /// Parses a line of the receipt. Returns `None` if the line does not describe a table.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("# ")?.splitn(4, ' ');
        let (checksum, rows) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let keeps = words.next()? == KEEPS;
        Some(Self { table: words.next()?.to_owned(), rows, checksum, keeps })
    }
}

/// The word in a receipt for a file that leaves existing rows as they are.
const KEEPS: &str = "beside";

impl fmt::Display for TableReceipt {
    /// Writes a comment: `# checksum rows replace shop.orders`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rows, checksum, keeps } = self;
        let mode = if *keeps { KEEPS } else { "replace" };
        writeln!(f, "# {checksum} {rows} {mode} {table}")
    }
}

/// The path of a file's receipt.
fn place(file: &Path) -> PathBuf {
    let mut place = file.as_os_str().to_owned();
    place.push(".sha256");
    place.into()
}

/// Checks whether a receipt lies beside the file.
pub(in crate::pull) fn is_beside(file: &Path) -> bool {
    std::fs::canonicalize(file).is_ok_and(|file| place(&file).exists())
}

/// Compares a file with its receipt, if there is one. Returns the rows that the receipt lists.
///
/// # Errors
/// `Failed` if the file changed after the pull.
pub fn verify(file: &Path) -> Result<Vec<TableReceipt>> {
    let file = std::fs::canonicalize(file).on("read", file)?;
    let place = place(&file);
    let Ok(text) = crate::sys::process::read_text(&place) else { return Ok(Vec::new()) };
    if text.split_whitespace().next() == Some(sha256_of_file(&file)?.as_str()) {
        return Ok(text.lines().filter_map(TableReceipt::parse).collect());
    }
    Err(Error::failed(format!("{} is not as it was pulled: its checksum differs", file.display()))
        .hint("pull it anew with `database pull_staging`")
        .hint(format!("or, if you changed it on purpose, remove {}", place.display())))
}
