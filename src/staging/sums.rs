//! What a pulled file is checked by before it is loaded: its digest, in a file beside it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, IoContext, Result};

/// The digest of a file, as `sha256sum` writes it.
pub(super) struct Sums(pub(super) String);

impl Sums {
    /// Of what went into `digest`.
    pub(super) fn of(digest: Sha256) -> Self {
        Self(hexadecimal(digest))
    }

    /// Runs `replace`, which puts the file into its place, and then writes the digest: without one a
    /// file is any patch, so that a pull that ends in between leaves none that does not fit.
    pub(super) fn publish(&self, file: &Path, replace: impl FnOnce() -> Result<()>) -> Result<()> {
        let place = place(file);
        match std::fs::remove_file(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).on("remove", &place);
            }
            _ => {}
        }
        replace()?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        std::fs::write(&place, format!("{}  {name}\n", self.0)).on("write", &place)
    }
}

/// Where the digest of a file is.
fn place(file: &Path) -> PathBuf {
    let mut place = file.as_os_str().to_owned();
    place.push(".sha256");
    place.into()
}

/// Whether a digest is beside a file.
pub(super) fn is_beside(file: &Path) -> bool {
    std::fs::canonicalize(file).is_ok_and(|file| place(&file).exists())
}

/// The digest of a text, in hexadecimal digits.
pub(super) fn of_text(text: &str) -> String {
    hexadecimal(Sha256::new_with_prefix(text))
}

/// The digest of a file as it is, in hexadecimal digits.
pub(super) fn of_file(file: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let mut input = File::open(file).on("read", file)?;
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

/// Compares a file with the digest beside it, if there is one.
///
/// # Errors
/// `Failed` when it is another file than was pulled.
pub fn verify(file: &Path) -> Result<()> {
    let file = std::fs::canonicalize(file).on("read", file)?;
    let place = place(&file);
    let Ok(text) = std::fs::read_to_string(&place) else { return Ok(()) };
    if text.split_whitespace().next() == Some(of_file(&file)?.as_str()) {
        return Ok(());
    }
    Err(Error::failed(format!("{} is not as it was pulled: its checksum differs", file.display()))
        .hint("pull it anew with `database pull_staging`")
        .hint(format!("or, if you changed it on purpose, remove {}", place.display())))
}
