//! The choice of the PostgreSQL installation.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::called_as;
use crate::support::{Sandbox, bindir, entries};

/// A directory of links to the programs of the PostgreSQL under test.
fn links(sandbox: &Sandbox, name: &str, programs: &[&str]) -> PathBuf {
    let directory = sandbox.path(name);
    std::fs::create_dir_all(&directory).unwrap();
    for program in programs {
        symlink(bindir().join(program), directory.join(program)).unwrap();
    }
    directory
}

fn script(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.write(name, format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Makes the programs search without `PG_BINDIR`, and with only `directory` in `PATH`.
fn search_in(sandbox: &mut Sandbox, directory: &Path) {
    sandbox.unset("PG_BINDIR");
    sandbox.set("PATH", directory);
}

/// The directory of the running server's program.
fn used(sandbox: &Sandbox) -> PathBuf {
    called_as(sandbox.postmaster()).parent().unwrap().to_owned()
}

fn starts(sandbox: &Sandbox) {
    sandbox.init([]).success();
    assert_eq!(sandbox.ask_in("postgres", "SELECT 1"), "1");
}

#[test]
fn an_explicit_directory_comes_first() {
    let mut sandbox = Sandbox::with_cluster();
    let explicit = links(&sandbox, "explicit", &["postgres", "initdb", "psql"]);
    let on_path = links(&sandbox, "path", &["postgres", "initdb", "psql"]);
    search_in(&mut sandbox, &on_path);
    sandbox.set("PG_BINDIR", &explicit);
    starts(&sandbox);
    assert_eq!(used(&sandbox), explicit);
}

#[test]
fn the_path_comes_next() {
    let mut sandbox = Sandbox::with_cluster();
    let on_path = links(&sandbox, "path", &["postgres", "initdb", "psql"]);
    let other = links(&sandbox, "other", &["postgres", "initdb", "psql"]);
    script(&sandbox, "path/pg_config", &format!("echo '{}'", other.display()));
    search_in(&mut sandbox, &on_path);
    starts(&sandbox);
    assert_eq!(used(&sandbox), on_path);
}

#[test]
fn all_programs_come_from_one_directory() {
    let mut sandbox = Sandbox::with_cluster();
    // as in /usr/local/bin: the server linked alone, and some other psql beside it
    let on_path = links(&sandbox, "path", &["postgres"]);
    script(&sandbox, "path/psql", "echo a wrapper >&2; exit 1");
    search_in(&mut sandbox, &on_path);
    starts(&sandbox);
    let server = bindir().join("postgres").canonicalize().unwrap();
    assert_eq!(Some(used(&sandbox).as_path()), server.parent(), "where the link leads");
    let asked = sandbox.database(["--url", &sandbox.url("postgres"), "psql", "-XAtc", "SELECT 7"]);
    assert_eq!(asked.success().stdout, "7\n", "the real psql, not the wrapper");
}

#[test]
fn a_directory_with_some_of_the_programs_is_passed_over() {
    let mut sandbox = Sandbox::with_cluster();
    let whole = links(&sandbox, "whole", &["postgres", "initdb", "psql"]);
    let half = links(&sandbox, "half", &["initdb", "psql", "pg_dump"]);
    search_in(&mut sandbox, &half);
    sandbox.set("PATH", std::env::join_paths([&half, &whole]).unwrap());
    starts(&sandbox);
    assert_eq!(used(&sandbox), whole);
}

#[test]
fn pg_config_comes_after_the_path() {
    let mut sandbox = Sandbox::with_cluster();
    let told = links(&sandbox, "told", &["postgres", "initdb", "psql"]);
    script(&sandbox, "path/pg_config", &format!("echo '{}'", told.display()));
    let on_path = sandbox.path("path");
    search_in(&mut sandbox, &on_path);
    starts(&sandbox);
    assert_eq!(used(&sandbox), told);
}

#[test]
fn well_known_places_come_last_newest_first() {
    let mut sandbox = Sandbox::with_cluster();
    let nothing = sandbox.path("home");
    search_in(&mut sandbox, &nothing);
    let installed = |major: &u32| {
        [format!("/usr/lib/postgresql/{major}/bin"), format!("/usr/pgsql-{major}/bin")]
            .into_iter()
            .map(PathBuf::from)
            .find(|directory| directory.join("postgres").exists())
    };
    match (15..=18).rev().find_map(|major| installed(&major)) {
        Some(newest) => {
            sandbox.init([]).success();
            assert_eq!(used(&sandbox), newest);
        }
        None => drop(sandbox.init([]).fails(127, ["postgres is not installed", "apt-get install"])),
    }
}

#[test]
fn an_explicit_directory_without_programs_is_an_error() {
    let mut sandbox = Sandbox::with_cluster();
    sandbox.set("PG_BINDIR", sandbox.path("home"));
    sandbox.init([]).fails(127, ["PG_BINDIR", "there is no postgres"]);
    sandbox.set("PG_BINDIR", sandbox.path("absent"));
    sandbox.init([]).fails(127, ["PG_BINDIR", "absent"]);
    assert!(!sandbox.path("pg/data").exists());
}

#[test]
fn a_missing_program_is_named_with_the_way_to_get_it() {
    let mut sandbox = Sandbox::with_cluster();
    for missing in ["psql", "initdb", "postgres"] {
        let directory = format!("without-{missing}");
        for program in ["postgres", "initdb", "psql"].iter().filter(|name| **name != missing) {
            script(&sandbox, &format!("{directory}/{program}"), "exit 1");
        }
        sandbox.set("PG_BINDIR", sandbox.path(&directory));
        let word = format!("there is no {missing}");
        sandbox.init([]).fails(127, [word.as_str(), "set PG_BINDIR to a directory that holds"]);
    }
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let mut sandbox = Sandbox::with_cluster();
    for program in entries(&links(&sandbox, "old", &["initdb", "psql"])) {
        assert!(sandbox.path("old").join(program).exists());
    }
    script(&sandbox, "old/postgres", "echo 'postgres (PostgreSQL) 14.2'");
    sandbox.set("PG_BINDIR", sandbox.path("old"));
    sandbox.set("PG_TEMPLATE", "off");
    sandbox.init([]).fails(127, ["14.2", "too old", "15 to 18"]);
    assert!(!sandbox.path("pg/data").exists());
}
