//! The checksums that other tools keep in their tables.

use sha2::{Digest, Sha384};

use crate::sys::digest::hex;

/// sqlx: SHA-384 of the file's bytes.
pub fn sha384(bytes: &[u8]) -> String {
    hex(&Sha384::digest(bytes))
}
