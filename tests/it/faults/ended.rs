//! Programs of PostgreSQL that end half-way, and clients that are there when the server stops.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::bystander::Bystander;
use crate::support::process::is_running;
use crate::support::{Sandbox, bindir, entries, project, server, wait_until};

/// Lets initdb be killed as soon as it has begun, while the file `fail` is there.
fn with_killed_initdb(sandbox: &mut Sandbox) {
    std::fs::create_dir(sandbox.path("bin")).unwrap();
    for name in entries(&bindir()).iter().filter(|name| *name != "initdb") {
        symlink(bindir().join(name), sandbox.path("bin").join(name)).unwrap();
    }
    let (real, fail) = (bindir().join("initdb"), sandbox.path("fail"));
    let script = format!(
        "#!/bin/sh\ntest -e '{fail}' || exec '{real}' \"$@\"\n\
         for data; do :; done\n'{real}' \"$@\" >&2 & pid=$!\n\
         until test -e \"$data/PG_VERSION\"; do kill -0 $pid || exit 3; done\n\
         kill -KILL $pid $$\n",
        fail = fail.display(),
        real = real.display(),
    );
    let file = sandbox.write("bin/initdb", script);
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.write("fail", "");
    sandbox.set("PG_BINDIR", sandbox.path("bin"));
}

#[test]
fn an_initdb_that_is_killed_half_way_leaves_nothing() {
    for template in ["on", "off"] {
        let mut sandbox = project::with_own_cache("SELECT 1;\n");
        let cold = sandbox.path("cold");
        sandbox.set("XDG_CACHE_HOME", &cold);
        sandbox.set("PG_TEMPLATE", template);
        with_killed_initdb(&mut sandbox);
        for arguments in [&["init"][..], &["deploy", "--no-patch"], &["check"]] {
            let told = sandbox.run("database", arguments);
            let told = told.fails(1, ["initdb was killed by signal 9"]);
            assert!(!sandbox.path("pg/data").exists(), "{arguments:?}: {told}");
            assert_eq!(sandbox.beside("data.new-"), [""; 0], "{arguments:?}: {told}");
            assert_eq!(sandbox.entries("tmp"), [""; 0], "{arguments:?}: {told}");
        }
        std::fs::remove_file(sandbox.path("fail")).unwrap();
        sandbox.database(["check"]).success();
        sandbox.init([]).success();
    }
}

/// Sessions do not delay the stop, whatever they do, and what they have committed stays.
#[test]
fn clients_do_not_delay_the_stop() {
    let endless =
        "SELECT count(n) FROM (SELECT generate_series(1, 1000000000000000::bigint) AS n) x";
    for sql in ["SELECT pg_sleep(3600)", endless, "COPY (SELECT pg_sleep(3600)) TO STDOUT"] {
        for words in [&["postgres-cleanup"][..], &["database", "snapshot", "restore", "one"]] {
            let mut sandbox = project::deployed("");
            sandbox.database(["snapshot", "save", "one"]).success();
            sandbox.ask("CREATE TABLE work (n int) INHERITS (hectic.created_at)");
            let mut client = Bystander::session(&sandbox, sql);
            let postmaster = sandbox.postmaster();
            if words.len() > 1 {
                // only on demand
                let refused = sandbox.run(words[0], &words[1..]);
                refused.fails(2, ["1 other session works", "PG_FORCE=1"]);
                assert!(client.is_alive() && sandbox.postmaster() == postmaster, "{sql}");
                sandbox.set("PG_FORCE", "1");
            }
            sandbox.run(words[0], &words[1..]).success();
            assert!(!is_running(postmaster), "{sql}");
            wait_until("the client ends", || !client.is_alive());
            if words.len() == 1 {
                assert_eq!(server::processes_below(&sandbox.path("pg")), [0; 0], "{sql}");
                sandbox.database(["init"]).success();
            }
            let kept = sandbox.ask("SELECT to_regclass('work') IS NOT NULL");
            assert_eq!(kept, if words.len() == 1 { "t" } else { "f" }, "{sql}");
        }
    }
}
