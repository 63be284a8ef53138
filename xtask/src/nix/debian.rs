//! Nix, PostgreSQL and shells from the packages of a newer Debian, beside the system.
//!
//! apt resolves and fetches with a directory of its own. Nothing is installed there, so apt fetches
//! everything down to the C library, and the machine's packages and sources stay as they are.
//! patchelf then makes the programs use the fetched dynamic linker and libraries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, On, Result};
use crate::{place, program};

/// The release whose Nix works with today's flakes.
const RELEASE: &str = "trixie";
/// The packages to fetch, dependencies included.
const PACKAGES: [&str; 11] = [
    "busybox",
    "direnv",
    "fish",
    "less",
    "mksh",
    "nix-bin",
    "openssh-client",
    "patchelf",
    "postgresql-17",
    "postgresql-17-cron",
    "zsh",
];
/// The file that lists the fetched packages.
const STAMP: &str = "packages";
/// Packages that only an installation needs.
const UNUSED: [&str; 4] = ["libperl", "perl", "systemd", "ucf"];
/// Programs that must not depend on the machine, besides PostgreSQL's.
const PROGRAMS: [&str; 8] = ["busybox", "direnv", "fish", "less", "mksh", "nix", "ssh", "zsh"];
/// The libraries.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
/// The dynamic linker.
const LINKER: &str = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
/// The file with Debian's mirrors.
const SOURCES: &str = "/etc/apt/sources.list.d/debian.sources";
/// The keys that sign Debian's releases.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The major version of the fetched PostgreSQL.
pub(super) const MAJOR: u32 = 17;
/// The directory of its programs.
pub(super) const BINDIR: &str = "usr/lib/postgresql/17/bin";

/// The reason why this machine cannot have it.
pub(super) fn obstacle() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        Some("that takes Linux on x86-64")
    } else if !Path::new(SOURCES).is_file() || !Path::new(KEYS).is_file() {
        Some("Nix is taken from Debian's packages, which this system does not use")
    } else if !place::is_root() {
        Some("Nix allocates users for its sandbox, which takes root")
    } else {
        None
    }
}

/// The directory with everything; fetches it if it is missing or incomplete.
pub(super) fn provide(home: &Path) -> Result<PathBuf> {
    let tree = home.join(format!("debian-{RELEASE}"));
    if !fs::read_to_string(tree.join(STAMP)).is_ok_and(|have| have == PACKAGES.join(" ")) {
        if tree.exists() {
            fs::remove_dir_all(&tree).on("remove", &tree)?;
        }
        let part = home.join(format!(".part-{}", std::process::id()));
        let made = fetch(&part, &tree);
        let removed =
            if part.exists() { fs::remove_dir_all(&part).on("remove", &part) } else { Ok(()) };
        made.and(removed)?;
    }
    Ok(tree)
}

/// Fetches and unpacks in `part`, then moves it to `tree`, whose path the programs then already
/// contain.
fn fetch(part: &Path, tree: &Path) -> Result<()> {
    eprintln!("Fetching Nix, PostgreSQL {MAJOR} and shells from Debian's {RELEASE}.");
    let unpacked = part.join("tree");
    fs::create_dir_all(&unpacked).on("create", &unpacked)?;
    for archive in download(part)? {
        program::run_quietly(program::new("dpkg-deb").arg("-x").arg(archive).arg(&unpacked))?;
    }
    let programs = PROGRAMS.iter().map(|name| unpacked.join("usr/bin").join(name));
    for program in programs.chain(entries(&unpacked.join(BINDIR))?).filter(|path| is_elf(path)) {
        relink(&unpacked, tree, &program)?;
    }
    let stamp = unpacked.join(STAMP);
    fs::write(&stamp, PACKAGES.join(" ")).on("write", &stamp)?;
    fs::rename(&unpacked, tree).on("publish", tree)
}

/// The packages' archives.
fn download(part: &Path) -> Result<Vec<PathBuf>> {
    let apt = part.join("apt");
    for directory in ["etc", "state/lists/partial", "cache/archives/partial", "log"] {
        let directory = apt.join(directory);
        fs::create_dir_all(&directory).on("create", &directory)?;
    }
    let sources = fs::read_to_string(SOURCES).on("read", Path::new(SOURCES))?;
    let mirror = mirror(&sources)
        .ok_or_else(|| Failure::new(format!("{SOURCES} names no mirror (URIs:)")))?;
    let list = format!("deb [arch=amd64 signed-by={KEYS}] {mirror} {RELEASE} main\n");
    let configuration = format!(
        "Dir::Etc \"{0}/etc\";\nDir::State \"{0}/state\";\nDir::State::status \"{0}/status\";\n\
         Dir::Cache \"{0}/cache\";\nDir::Log \"{0}/log\";\n\
         APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n",
        apt.display()
    );
    for (name, text) in
        [("etc/sources.list", list.as_str()), ("status", ""), ("conf", &configuration)]
    {
        let file = apt.join(name);
        fs::write(&file, text).on("write", &file)?;
    }
    let get = || {
        let mut command = program::new("apt-get");
        command.arg("--quiet").arg("--yes").env("APT_CONFIG", apt.join("conf"));
        command
    };
    program::run_quietly(get().arg("update"))?;
    let only = ["--download-only", "--no-install-recommends", "install"];
    program::run_quietly(get().args(only).args(PACKAGES))?;
    let archives = entries(&apt.join("cache/archives"))?;
    Ok(archives.into_iter().filter(|path| is_used(path)).collect())
}

/// The first mirror of a deb822 file.
fn mirror(sources: &str) -> Option<&str> {
    sources.lines().find_map(|line| line.strip_prefix("URIs:")?.split_whitespace().next())
}

/// Whether a file is the archive of a package that the checks need.
fn is_used(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".deb") && !UNUSED.iter().any(|package| name.starts_with(package))
}

/// Makes `program` in `unpacked` use the linker and the libraries at their later place in `tree`.
fn relink(unpacked: &Path, tree: &Path, program: &Path) -> Result<()> {
    program::run_quietly(
        program::new(unpacked.join(LINKER))
            .arg("--library-path")
            .arg(unpacked.join(LIBRARIES))
            .arg(unpacked.join("usr/bin/patchelf"))
            .arg("--set-interpreter")
            .arg(tree.join(LINKER))
            // not a runpath, which would not hold for libraries that a server loads later
            .arg("--force-rpath")
            .arg("--set-rpath")
            .arg(tree.join(LIBRARIES))
            .arg(program),
    )
}

fn is_elf(path: &Path) -> bool {
    !path.is_symlink() && fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).on("list", directory)?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_machines_own() {
        let sources = "Types: deb\nURIs: http://mirror.example/debian other\nSuites: bookworm\n";
        assert_eq!(mirror(sources), Some("http://mirror.example/debian"));
        assert_eq!(mirror("Types: deb\n"), None);
    }

    #[test]
    fn what_only_an_installation_needs_is_left_out() {
        assert!(is_used(Path::new("/x/zsh_5.9_amd64.deb")));
        assert!(!is_used(Path::new("/x/perl-base_5.40_amd64.deb")));
        assert!(!is_used(Path::new("/x/lock")));
    }
}
