//! `shared_preload_libraries`: the default, a list of the user's, none.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Sandbox, bindir, entries};

const LIBRARIES: &str = "SHOW shared_preload_libraries";

#[test]
fn a_default_that_is_not_installed_is_left_out_with_a_warning() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_BINDIR", installation(&sandbox, false));
    sandbox.set("PG_TEMPLATE", "off");
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    let started = sandbox.init([]).success();
    let warnings = started.stderr.lines().filter(|line| line.contains("pg_cron is not installed"));
    assert_eq!(warnings.count(), 1, "{started}");
    assert_eq!(sandbox.ask_in("postgres", LIBRARIES), "");
}

#[test]
fn a_default_that_is_installed_is_loaded_and_told_where_to_work() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_BINDIR", installation(&sandbox, true));
    sandbox.set("PG_TEMPLATE", "off");
    sandbox.set("PG_DATABASE", "shop");
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", LIBRARIES), "pg_cron");
    assert_eq!(sandbox.ask_in("postgres", "SHOW cron.database_name"), "shop");
    assert_eq!(
        sandbox.ask_in("postgres", "SHOW cron.host"),
        sandbox.path("pg/sock").display().to_string()
    );
}

#[test]
fn a_library_that_is_set_is_loaded() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", " plpgsql ,$libdir/plpgsql");
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", LIBRARIES), " plpgsql ,$libdir/plpgsql");
}

#[test]
fn a_library_that_is_set_and_absent_is_named_with_the_override() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "plpgsql, nonesuch");
    sandbox.init([]).fails(127, ["nonesuch", "PG_SHARED_PRELOAD_LIBRARIES", "override"]);
    assert!(!sandbox.path("pg/data").exists(), "nothing was made");
}

#[test]
fn an_empty_list_disables_the_default_silently() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "");
    let started = sandbox.init([]).success();
    assert!(!started.stderr.contains("warning"), "{started}");
    assert_eq!(sandbox.ask_in("postgres", LIBRARIES), "");
}

/// A copy of the installation in the sandbox, with or without a library named `pg_cron`. A server
/// finds its libraries relative to the real path of its program.
pub(super) fn installation(sandbox: &Sandbox, with_pg_cron: bool) -> PathBuf {
    let bin = bindir().canonicalize().unwrap();
    let (libraries, share) = (told("--pkglibdir"), told("--sharedir"));
    let root = bin.ancestors().find(|a| libraries.starts_with(a) && share.starts_with(a)).unwrap();
    let copy = |path: &Path| sandbox.path("installation").join(path.strip_prefix(root).unwrap());
    for directory in [&bin, &libraries] {
        std::fs::create_dir_all(copy(directory)).unwrap();
    }
    for name in entries(&bin) {
        let target = copy(&bin).join(&name);
        match name.as_str() {
            "postgres" | "initdb" | "pg_config" => {
                std::fs::copy(bin.join(&name), target).map(drop).unwrap();
            }
            _ => symlink(bin.join(&name), target).unwrap(),
        }
    }
    for name in entries(&libraries) {
        if !name.starts_with("pg_cron.") {
            symlink(libraries.join(&name), copy(&libraries).join(&name)).unwrap();
        }
    }
    if with_pg_cron {
        // any library will do: db-tool only looks for a file of this name
        symlink(libraries.join("plpgsql.so"), copy(&libraries).join("pg_cron.so")).unwrap();
    }
    std::fs::create_dir_all(copy(&share).parent().unwrap()).unwrap();
    symlink(&share, copy(&share)).unwrap();
    link_private_libraries(root, &sandbox.path("installation"));
    copy(&bin)
}

fn told(what: &str) -> PathBuf {
    let output = Command::new(bindir().join("pg_config")).arg(what).output().unwrap();
    Path::new(String::from_utf8(output.stdout).unwrap().trim_end()).canonicalize().unwrap()
}

/// Relocatable installations find libpq and other libraries relative to the program.
fn link_private_libraries(root: &Path, copy: &Path) {
    let Ok(names) = std::fs::read_dir(root.join("lib")) else { return };
    std::fs::create_dir_all(copy.join("lib")).unwrap();
    for entry in names.map(Result::unwrap) {
        let target = copy.join("lib").join(entry.file_name());
        let is_library = entry.file_name().to_string_lossy().contains(".so");
        if is_library && target.symlink_metadata().is_err() {
            symlink(entry.path(), target).unwrap();
        }
    }
}
