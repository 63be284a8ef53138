//! What an incremental pull remembers, in a file beside the patch file: where each table's rows stand
//! in it, how they were read, and up to where.
//!
//! It is about one file and names it by its digest. One that is about another file, or that cannot be
//! read, counts for nothing: then everything is pulled.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::part;
use crate::pull::load::receipt;
use crate::pull::load::receipt::Contained;
use crate::sys::error::{Error, IoContext, Result};

/// What is known of a patch file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::pull) struct State {
    /// The file's digest.
    pub(in crate::pull) sha256: String,
    /// The rows in it, in its order; a table may have several.
    pub(in crate::pull) sections: Vec<Section>,
}

/// Some rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pull) struct Section {
    /// What its table was read by, but for the mark.
    pub(in crate::pull) how: String,
    /// The first byte.
    pub(in crate::pull) from: u64,
    /// The byte after the last.
    pub(in crate::pull) to: u64,
    /// How far the table is read; none: it is always read whole.
    pub(in crate::pull) mark: Option<Mark>,
    /// What they are.
    pub(in crate::pull) content: Contained,
}

/// How far a table is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pull) struct Mark {
    pub(in crate::pull) column: String,
    /// The highest value; none for an empty table.
    pub(in crate::pull) value: Option<String>,
    /// How many rows have it, or have none.
    pub(in crate::pull) edge: i64,
}

impl State {
    /// What is known of `file`; nothing where it is not the file that was pulled.
    pub(in crate::pull) fn of(file: &Path) -> Result<Self> {
        let place = place(file);
        let state = match crate::sys::process::read_regular(&place) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => serde_json::from_slice::<Self>(&read.on("read", &place)?),
        };
        if let Ok(state) = state
            && file.exists()
            && receipt::of_file(file)? == state.sha256
        {
            return Ok(state);
        }
        tracing::warn!("{} is not about this file: every table is pulled", place.display());
        Ok(Self::default())
    }

    /// How far a table is in the file that is read by `how`.
    pub(in crate::pull) fn mark(&self, how: &str) -> Option<&Mark> {
        self.sections.iter().rev().find(|section| section.how == how)?.mark.as_ref()
    }

    /// Keeps it, beside the file that it is about.
    pub(in crate::pull) fn publish(&self, file: &Path) -> Result<()> {
        let place = place(file);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::unexpected(format!("cannot write a state: {error}")))?;
        let mut out = part(&place)?;
        out.write_all(&text).on("write", &place)?;
        out.persist(&place).map(drop).map_err(|error| error.error).on("write", &place)
    }

    /// Forgets what was known of a file.
    pub(in crate::pull) fn forget(file: &Path) {
        let _ = std::fs::remove_file(place(file));
    }
}

fn place(file: &Path) -> PathBuf {
    let mut place = file.as_os_str().to_owned();
    place.push(".state");
    place.into()
}
