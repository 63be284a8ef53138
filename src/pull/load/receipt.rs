//! What a pulled file is checked by before it is loaded: its digest, in a file beside it, and in
//! comments there, which `sha256sum -c` passes over, what rows are in it.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::pull::Pulled;
use crate::sys::error::{Error, IoContext, Result};

/// The digest of a file, as `sha256sum` writes it.
pub(in crate::pull) struct Sums(pub(in crate::pull) String);

impl Sums {
    /// Of what went into `digest`.
    pub(in crate::pull) fn of(digest: Sha256) -> Self {
        Self(hexadecimal(digest))
    }

    /// Runs `replace`, which puts the file into its place, and then writes the digest: without one a
    /// file is any patch, so that a pull that ends in between leaves none that does not fit.
    pub(in crate::pull) fn publish(
        &self,
        file: &Path,
        contents: &[&Contained],
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
        std::fs::write(&place, text).on("write", &place)
    }
}

/// Rows of a table that stand in a pulled file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contained {
    /// The table; a name with a line break has a blank there.
    pub table: String,
    /// How many they are.
    pub rows: u64,
    /// Of the rows in any order, after masking.
    checksum: String,
    /// Whether rows that are there when they are loaded stay, so that they need not be equal then.
    pub keeps: bool,
}

impl Contained {
    /// Of what was pulled.
    pub(in crate::pull) fn of(pulled: &Pulled, keeps: bool) -> Self {
        let table = pulled.table.replace(['\n', '\r'], " ");
        let checksum = pulled.amount.checksum.to_string();
        Self { table, rows: pulled.amount.rows, checksum, keeps }
    }

    /// What a line says; none for a line that is no account.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("# ")?.splitn(4, ' ');
        let (checksum, rows) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let keeps = words.next()? == KEEPS;
        Some(Self { table: words.next()?.to_owned(), rows, checksum, keeps })
    }
}

/// Stands in an account for rows that leave those be that are there.
const KEEPS: &str = "beside";

impl fmt::Display for Contained {
    /// A comment: `# checksum rows replace shop.orders`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rows, checksum, keeps } = self;
        let how = if *keeps { KEEPS } else { "replace" };
        writeln!(f, "# {checksum} {rows} {how} {table}")
    }
}

/// Where the digest of a file is.
fn place(file: &Path) -> PathBuf {
    let mut place = file.as_os_str().to_owned();
    place.push(".sha256");
    place.into()
}

/// Whether a digest is beside a file.
pub(in crate::pull) fn is_beside(file: &Path) -> bool {
    std::fs::canonicalize(file).is_ok_and(|file| place(&file).exists())
}

/// The digest of a text, in hexadecimal digits.
pub(in crate::pull) fn of_text(text: &str) -> String {
    hexadecimal(Sha256::new_with_prefix(text))
}

/// The digest of a file as it is, in hexadecimal digits.
pub(in crate::pull) fn of_file(file: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let mut input = crate::sys::process::open_regular(file).on("read", file)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer).on("read", file)? {
            0 => return Ok(hexadecimal(digest)),
            read => digest.update(&buffer[..read]),
        }
    }
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares a file with the digest beside it, if there is one, and returns what rows are in it.
///
/// # Errors
/// `Failed` when it is another file than was pulled.
pub fn verify(file: &Path) -> Result<Vec<Contained>> {
    let file = std::fs::canonicalize(file).on("read", file)?;
    let place = place(&file);
    let Ok(text) = crate::sys::process::read_text(&place) else { return Ok(Vec::new()) };
    if text.split_whitespace().next() == Some(of_file(&file)?.as_str()) {
        return Ok(text.lines().filter_map(Contained::parse).collect());
    }
    Err(Error::failed(format!("{} is not as it was pulled: its checksum differs", file.display()))
        .hint("pull it anew with `database pull_staging`")
        .hint(format!("or, if you changed it on purpose, remove {}", place.display())))
}
