//! Finding an installed PostgreSQL: a directory that holds the real programs, all of them.
//!
//! The order is the tool's own: an explicit `PG_BINDIR`, `PATH`, `pg_config --bindir`, then the
//! versioned directories of Debian, Fedora and Homebrew, newest first. On Debian `psql` in
//! `/usr/bin` is a wrapper and `initdb` is not there at all, so a directory counts only when every
//! program is in it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{NEWEST, OLDEST};
use crate::failure::{Failure, Result};
use crate::{place, program};

/// The programs that the tool and the benchmark's pipeline call.
const PROGRAMS: [&str; 8] =
    ["createdb", "initdb", "pg_basebackup", "pg_ctl", "pg_dump", "pg_dumpall", "postgres", "psql"];

/// The first usable directory, of the wanted major version if any.
pub(super) fn find(wanted: Option<u32>) -> Result<Option<PathBuf>> {
    let fits = |major: u32| wanted.map_or((OLDEST..=NEWEST).contains(&major), |w| w == major);
    if let Some(explicit) = env::var_os("PG_BINDIR").filter(|value| !value.is_empty()) {
        let explicit = PathBuf::from(explicit);
        return match usable(&explicit) {
            Ok(major) if fits(major) => Ok(Some(explicit)),
            Ok(major) => Err(unfit(&explicit, &format!("it is PostgreSQL {major}"))),
            Err(reason) => Err(unfit(&explicit, &reason)),
        };
    }
    Ok(candidates().into_iter().find(|dir| usable(dir).is_ok_and(fits)))
}

fn unfit(bindir: &Path, reason: &str) -> Failure {
    Failure::new(format!(
        "PG_BINDIR={} cannot be used: {reason}; unset it or name another directory",
        bindir.display()
    ))
}

/// Every directory that may hold the programs, the best first.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).filter_map(|d| real(&d)).collect();
    if let Ok(bindir) = program::output(program::new("pg_config").arg("--bindir")) {
        found.push(PathBuf::from(bindir.trim_end()));
    }
    found.extend(versioned("/usr/lib/postgresql", "", "bin"));
    found.extend(versioned("/usr", "pgsql-", "bin"));
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        found.extend(versioned(prefix, "postgresql@", "bin"));
    }
    found
}

/// The directory of the real `postgres` behind a `PATH` entry, which has its siblings too.
fn real(entry: &Path) -> Option<PathBuf> {
    let server = entry.join("postgres").canonicalize().ok()?;
    server.parent().map(Path::to_path_buf)
}

/// `<parent>/<prefix><number>/<tail>` for every number that exists, the highest first.
fn versioned(parent: &str, prefix: &str, tail: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let number = |name: &OsStr| name.to_str()?.strip_prefix(prefix)?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((number(&entry.file_name())?, entry.path().join(tail))))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The major version of a usable directory, or the reason why it is not usable.
pub(super) fn usable(bindir: &Path) -> Result<u32, String> {
    if !bindir.is_absolute() {
        return Err("it is not an absolute path".to_owned());
    }
    let lacks = |name: &&&str| !bindir.join(name).is_file();
    let missing: Vec<&str> = PROGRAMS.iter().filter(lacks).copied().collect();
    if !missing.is_empty() {
        return Err(format!("it lacks {}", missing.join(", ")));
    }
    if let Some(barrier) = place::barrier(bindir).filter(|_| place::is_root()) {
        return Err(format!(
            "root's servers run as another user, who cannot enter {}",
            barrier.display()
        ));
    }
    let said = program::output(program::new(bindir.join("postgres")).arg("--version"))
        .map_err(|failure| failure.to_string())?;
    major(&said).ok_or_else(|| format!("its version is not understood: {}", said.trim_end()))
}

/// The major version in the output of `postgres --version`.
fn major(said: &str) -> Option<u32> {
    let version = said.split_once("(PostgreSQL) ")?.1;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Scratch;

    #[test]
    fn versions_of_releases_packages_and_betas_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 17.2\n"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("mysqld 8\n"), None);
    }

    #[test]
    fn the_newest_directory_comes_first_by_number_not_by_name() {
        let scratch = Scratch::new("versioned").unwrap();
        for name in ["pg-9", "pg-16", "pg-17", "pg-common"] {
            fs::create_dir_all(scratch.path().join(name)).unwrap();
        }
        let found = versioned(scratch.path().to_str().unwrap(), "pg-", "bin");
        let expected = ["pg-17/bin", "pg-16/bin", "pg-9/bin"].map(|n| scratch.path().join(n));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_path_entry_leads_to_where_the_programs_really_are() {
        let scratch = Scratch::new("real").unwrap();
        let (cellar, links) = (scratch.path().join("cellar"), scratch.path().join("links"));
        fs::create_dir_all(&cellar).unwrap();
        fs::create_dir_all(&links).unwrap();
        fs::write(cellar.join("postgres"), "").unwrap();
        std::os::unix::fs::symlink(cellar.join("postgres"), links.join("postgres")).unwrap();
        assert_eq!(real(&links), Some(cellar.canonicalize().unwrap()));
        assert_eq!(real(scratch.path()), None);
    }

    #[test]
    fn an_incomplete_directory_is_refused_and_what_it_lacks_named() {
        let scratch = Scratch::new("usable").unwrap();
        for name in PROGRAMS.iter().filter(|name| **name != "initdb") {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        assert_eq!(usable(scratch.path()), Err("it lacks initdb".to_owned()));
        assert!(usable(Path::new("bin")).unwrap_err().contains("absolute"));
    }
}
