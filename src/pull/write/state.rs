//! The state of an incremental pull, in a file beside the patch file. It records for each table
//! where its rows are in the patch file, the fingerprint of their query, and the high-water mark.
//!
//! The state contains the patch file's digest. If the digest does not fit the file, or the state
//! cannot be read, the pull ignores the state and reads everything.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::part;
use crate::pull::load::receipt::TableReceipt;
use crate::pull::select::watermark::Watermark;
use crate::sys::digest::sha256_of_file;
use crate::sys::error::{Error, IoContext, Result};

/// The state of one patch file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::pull) struct State {
    /// The file's digest.
    pub(in crate::pull) sha256: String,
    /// The rows in the file, in the file's order. A table may have several sections.
    pub(in crate::pull) sections: Vec<Section>,
}

/// A range of the file with rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pull) struct Section {
    /// The fingerprint of the table's query, without the condition on new rows.
    #[serde(rename = "how")]
    pub(in crate::pull) fingerprint: String,
    /// The first byte.
    pub(in crate::pull) from: u64,
    /// The byte after the last one.
    pub(in crate::pull) to: u64,
    /// The high-water mark. `None` if the table is always pulled completely.
    pub(in crate::pull) mark: Option<Watermark>,
    /// The number of rows and their checksum.
    pub(in crate::pull) content: TableReceipt,
}

impl State {
    /// Reads the state of `file`. Returns an empty state if somebody changed the file.
    pub(in crate::pull) fn of(file: &Path) -> Result<Self> {
        let place = place(file);
        let state = match crate::sys::process::read_regular(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => serde_json::from_slice::<Self>(&read.on("read", &place)?),
        };
        if let Ok(state) = state
            && file.exists()
            && sha256_of_file(file)? == state.sha256
        {
            return Ok(state);
        }
        tracing::warn!(
            "{} does not fit this file: every table is pulled completely",
            place.display()
        );
        Ok(Self::default())
    }

    /// The high-water mark of the table whose query has this fingerprint.
    pub(in crate::pull) fn mark(&self, fingerprint: &str) -> Option<&Watermark> {
        self.sections.iter().rev().find(|section| section.fingerprint == fingerprint)?.mark.as_ref()
    }

    /// Writes the state beside the file.
    pub(in crate::pull) fn publish(&self, file: &Path) -> Result<()> {
        let place = place(file);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::unexpected(format!("cannot write a state: {error}")))?;
        let mut out = part(&place)?;
        out.write_all(&text).on("write", &place)?;
        out.persist(&place).map(drop).map_err(|error| error.error).on("write", &place)
    }

    /// Removes the state of a file.
    pub(in crate::pull) fn forget(file: &Path) {
        let _ = std::fs::remove_file(place(file));
    }
}

fn place(file: &Path) -> PathBuf {
    let mut place = file.as_os_str().to_owned();
    place.push(".state");
    place.into()
}
