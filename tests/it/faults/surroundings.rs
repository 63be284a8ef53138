//! The environment that a command finds: variables, umask, users, namespaces, directories.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::support::{Sandbox, is_root, project, trace};

/// A round of commands through the life of a project.
const ROUND: [&[&str]; 17] = [
    &["database", "deploy", "--no-patch"],
    &["database", "test"],
    &["database", "hydrate"],
    &["database", "check"],
    &["database", "status"],
    &["database", "backup"],
    &["database", "snapshot", "save", "one"],
    &["database", "snapshot", "restore", "one"],
    &["database", "restore"],
    &["database", "diff", "--from-migrations"],
    &["database", "secrets", "load", "-f", "project/.env"],
    &["migrator", "info"],
    &["postgres-cleanup"],
    &["postgres-init"],
    &["database", "doctor"],
    &["database", "status", "--all"],
    &["database", "gc"],
];

/// A project whose sources can be run again, with tests, a migration and a secret.
fn sample() -> Sandbox {
    let table = "CREATE TABLE IF NOT EXISTS item (n int) INHERITS (hectic.created_at);\n";
    let mut sandbox = project::with_source(table);
    sandbox.write("project/db/test/test.sql", "\\echo 1..1\n\\echo ok 1 - fine\n");
    sandbox.write("project/db/migration/20250101000000-one/up.sql", table);
    sandbox.write("project/.env", "TOKEN=one\n");
    sandbox.set("MIGRATION_DIR", sandbox.path("project/db/migration"));
    trace::own_cache(&mut sandbox);
    sandbox
}

/// Runs the round behind the words of `prefix`, and the clean-up at its end. Every command succeeds.
fn round(sandbox: &mut Sandbox, what: &str, mut prefix: impl FnMut(&mut Sandbox) -> Vec<String>) {
    let mut run = |sandbox: &mut Sandbox, words: &[&str]| {
        let mut all = prefix(sandbox);
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let told = sandbox.run(&all[0], &all[1..]);
        assert_eq!(told.code, Some(0), "{what}: {words:?}: {told}");
        told
    };
    for words in ROUND {
        run(sandbox, words);
    }
    sandbox.set("ROUND", "over");
    let printed = run(sandbox, &["database", "psql", "-XqAt", "-c", "SELECT 'ä', current_user"]);
    assert_eq!(printed.stdout, "ä|dev\n", "{what}");
    run(sandbox, &["database", "snapshot", "rm", "one"]);
    run(sandbox, &["database", "cleanup"]);
    assert!(!sandbox.path("pg").exists(), "{what}: {:?}", sandbox.entries("pg"));
    assert_eq!(sandbox.entries("tmp"), [""; 0], "{what}");
}

/// Variables of the caller's shell that mean other servers, other languages and other programs.
const HOSTILE: [(&str, &[(&str, &str)]); 4] = [
    (
        "other servers",
        &[
            ("PGHOST", "nowhere.invalid"),
            ("PGHOSTADDR", "192.0.2.1"),
            ("PGPORT", "1"),
            ("PGUSER", "stranger"),
            ("PGDATABASE", "elsewhere"),
            ("PGPASSWORD", "hush"),
            ("PGPASSFILE", "/nowhere/passfile"),
            ("PGDATA", "/nowhere"),
            ("PGSERVICEFILE", "/nowhere/service"),
            ("PGSYSCONFDIR", "/nowhere"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/nowhere/ca"),
            ("PGAPPNAME", "something"),
        ],
    ),
    (
        "other languages",
        &[
            ("LC_ALL", "nonsense"),
            ("LANG", "xx_YY.UTF-8"),
            ("LANGUAGE", "de:fr"),
            ("LC_NUMERIC", "de_DE.UTF-8"),
            ("TZ", "Nowhere/Nothing"),
            ("PGTZ", "Asia/Tokyo"),
            ("PGDATESTYLE", "SQL, DMY"),
        ],
    ),
    (
        "psql's own",
        &[
            ("PSQLRC", "home/.psqlrc"),
            ("PSQL_PAGER", "false"),
            ("PAGER", "false"),
            ("PSQL_HISTORY", "/nowhere/history"),
            ("PSQL_WATCH_PAGER", "false"),
            ("PG_COLOR", "always"),
        ],
    ),
    (
        "other programs",
        &[
            ("IFS", "/"),
            ("CDPATH", "/"),
            ("ENV", "/nowhere/env"),
            ("BASH_ENV", "/nowhere/env"),
            ("POSIXLY_CORRECT", "1"),
            ("TERM", "nonsense"),
            ("COLUMNS", "1"),
            ("TAR_OPTIONS", "--nonsense"),
            ("ZSTD_CLEVEL", "nonsense"),
            ("GZIP", "--nonsense"),
            ("RUST_LOG", "trace"),
            ("MALLOC_PERTURB_", "85"),
        ],
    ),
];

#[test]
fn variables_for_other_programs_change_nothing() {
    for (what, variables) in HOSTILE {
        let mut sandbox = sample();
        sandbox.write("home/.psqlrc", "\\echo PSQLRC\n\\set ON_ERROR_STOP off\n\\quit\n");
        for (name, value) in variables {
            sandbox.set(name, value);
        }
        round(&mut sandbox, what, |_| Vec::new());
    }
}

/// Fails the test for a file that others may change, and for a secret that others may read.
fn is_private(place: &Path) {
    for entry in std::fs::read_dir(place).unwrap() {
        let (path, facts) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
        let (mode, name) = (facts.mode() & 0o777, path.file_name().unwrap().to_string_lossy());
        let socket = std::os::unix::fs::FileTypeExt::is_socket(&facts.file_type());
        if facts.is_symlink() || socket {
            continue;
        }
        assert_eq!(mode & 0o022, 0, "{}: {mode:o}", path.display());
        if name == "data" || name == "postgresql-backup" || name.ends_with(".key") {
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
        if facts.is_dir() {
            is_private(&path);
        }
    }
}

#[test]
fn every_umask_will_do_and_leaves_nothing_open() {
    for umask in ["077", "000", "027"] {
        let mut sandbox = sample();
        sandbox.set("UMASK", umask);
        round(&mut sandbox, umask, |sandbox| {
            let place = sandbox.path("pg");
            if place.exists() {
                is_private(&place);
            }
            ["sh", "-c", "umask $UMASK && exec \"$@\"", "sh"].map(str::to_owned).into()
        });
    }
}

#[test]
fn the_temporary_directory_may_be_another_for_each_command() {
    let mut sandbox = sample();
    let mut number = 0;
    round(&mut sandbox, "another TMPDIR", |sandbox| {
        number += 1;
        let place = sandbox.path("home").join(format!("tmp-{number}"));
        std::fs::create_dir(&place).unwrap();
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o1777)).unwrap();
        sandbox.set_temporary(&place);
        Vec::new()
    });
    for number in 1..=number {
        assert_eq!(sandbox.entries(&format!("home/tmp-{number}")), [""; 0], "{number}");
    }
}

/// As in a container that runs as any user. initdb refuses such a user.
#[test]
fn a_user_without_an_entry_in_the_list_of_users_is_told_the_remedy() {
    if !is_root() {
        return;
    }
    let mut sandbox = sample();
    let owned = Command::new("chown").args(["-R", "42424:42424"]).arg(sandbox.path("")).status();
    assert!(owned.unwrap().success());
    sandbox.set("XDG_CACHE_HOME", sandbox.path("home/.cache"));
    sandbox.unset("HOME");
    let words = ["--reuid", "42424", "--regid", "42424", "--clear-groups", "--", "database"];
    for verb in ["init", "check", "deploy"] {
        let told = sandbox.run("setpriv", words.iter().chain([&verb]));
        told.fails(1, ["user ID 42424", "hint: ", "/etc/passwd"]);
        assert!(!sandbox.path("pg/data").exists(), "{verb}");
        assert_eq!(sandbox.entries("tmp"), [""; 0], "{verb}");
    }
}

/// A server in one namespace serves commands in another, because both see its directory.
#[test]
fn every_command_may_have_a_network_and_mounts_of_its_own() {
    if !is_root() {
        return;
    }
    let mut sandbox = sample();
    round(&mut sandbox, "own namespaces", |_| {
        ["unshare", "--net", "--mount", "--uts"].map(str::to_owned).into()
    });
}
