//! TLS: the certificates that db-tool makes, and the clients that check them.

use std::os::unix::fs::PermissionsExt;

use super::{exported, listening, port};
use crate::support::{Sandbox, clock};

const FILES: [&str; 4] = ["ca.crt", "ca.key", "server.crt", "server.key"];

const ENCRYPTED: &str = "psql -XAtc 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'";

fn encrypted() -> Sandbox {
    let mut sandbox = listening();
    sandbox.set("PG_TLS", "1");
    sandbox
}

fn file(sandbox: &Sandbox, name: &str) -> String {
    sandbox.read(&format!("pg/tls/{name}"))
}

/// A client that checks everything connects, with the exported variables only.
#[track_caller]
fn verifies(sandbox: &Sandbox, what: &str) {
    let shown = exported(sandbox, &format!("echo $PGSSLMODE && {ENCRYPTED}"));
    assert_eq!(shown.stdout, "verify-full\nt\n", "{what}: {shown}");
}

#[test]
fn clients_verify_the_server_by_every_name() {
    let sandbox = encrypted();
    verifies(&sandbox, "exported");
    for name in ["localhost", "127.0.0.1"] {
        let shown = exported(&sandbox, &format!("PGHOST={name} {ENCRYPTED}")).success();
        assert_eq!(shown.stdout, "t\n", "{name}");
    }
    let by_url = "unset PGSSLMODE PGSSLROOTCERT && psql -XAt \"$DATABASE_URL\" -c 'SELECT 1'";
    assert_eq!(exported(&sandbox, by_url).success().stdout, "1\n");
    let status = sandbox.database(["status"]).success();
    let address = format!("address:  127.0.0.1:{} (TLS)\n", port(&sandbox));
    assert!(status.stdout.contains(&address), "{status}");
}

#[test]
fn what_does_not_check_out_is_refused() {
    let sandbox = encrypted();
    exported(&sandbox, &format!("PGSSLMODE=disable {ENCRYPTED}")).fails(2, ["no encryption"]);
    let other = "PGHOSTADDR=127.0.0.1 PGHOST=elsewhere.example";
    exported(&sandbox, &format!("{other} {ENCRYPTED}")).fails(2, ["does not match host name"]);
    let another = encrypted();
    another.init([]).success();
    let root = another.path("pg/tls/ca.crt");
    let line = format!("PGSSLROOTCERT={} {ENCRYPTED}", root.display());
    exported(&sandbox, &line).fails(2, ["certificate verify failed"]);
    // the password is asked for all the same
    exported(&sandbox, "PGPASSFILE=/none psql -w -Xc 'SELECT 1'")
        .fails(2, ["no password supplied"]);
}

#[test]
fn db_tools_own_client_verifies_the_server() {
    let sandbox = encrypted();
    let ours = "database --url \"$DATABASE_URL\" bundle status";
    assert!(exported(&sandbox, ours).success().stdout.contains("absent"));
    let psql = "database --url \"$DATABASE_URL\" psql -XAtc 'SELECT 1'";
    assert_eq!(exported(&sandbox, psql).success().stdout, "1\n");
    let other = "database --url \"${DATABASE_URL}&hostaddr=127.0.0.1&host=elsewhere.example\"";
    exported(&sandbox, &format!("{other} bundle status")).fails(1, ["elsewhere.example"]);
    let another = encrypted();
    another.init([]).success();
    let root = another.path("pg/tls/ca.crt");
    let ours = format!(
        "database --url \"postgresql://dev@127.0.0.1:$PGPORT/app?sslrootcert={}\" bundle status",
        root.display()
    );
    exported(&sandbox, &ours).fails(1, ["certificate"]);
}

#[test]
fn the_verbs_work_in_a_shell_with_the_exported_variables() {
    let mut sandbox = encrypted();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    let directory = sandbox.path("pg").display().to_string();
    let line = format!(
        "export PG_WORKING_DIR={directory} DB_URL='postgresql://dev@localhost/app?host={directory}' && \
         database deploy -P && database check -P && database snapshot save s && \
         database backup $HOME/backup && database restore $HOME/backup && {ENCRYPTED}"
    );
    let done = exported(&sandbox, &line).success();
    assert!(done.stdout.ends_with("t\n"), "{done}");
}

#[test]
fn the_authority_stays_as_long_as_it_can() {
    let mut sandbox = encrypted();
    sandbox.init([]).success();
    let (authority, server) = (file(&sandbox, "ca.crt"), file(&sandbox, "server.crt"));
    sandbox.init([]).success();
    sandbox.init(["--fresh"]).success();
    assert_eq!(file(&sandbox, "server.crt"), server, "nothing is made without need");
    sandbox.set("PG_LISTEN", "127.0.0.2");
    verifies(&sandbox, "another address");
    assert_eq!(file(&sandbox, "ca.crt"), authority);
    assert_ne!(file(&sandbox, "server.crt"), server);
    sandbox.run("postgres-cleanup", [""; 0]).success();
    for name in FILES {
        let mode = sandbox.path(&format!("pg/tls/{name}")).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, if name.ends_with("key") { 0o600 } else { 0o644 }, "{name}");
    }
    assert_eq!(sandbox.path("pg/tls").metadata().unwrap().permissions().mode() & 0o777, 0o700);
    sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists());
}

#[test]
fn unusable_files_are_made_anew() {
    let sandbox = encrypted();
    sandbox.init([]).success();
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 3] = [
        ("missing", |path| std::fs::remove_file(path).unwrap()),
        ("garbage", |path| std::fs::write(path, "hush").unwrap()),
        ("open", |path| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
        }),
    ];
    for (what, damage) in damages {
        for name in FILES {
            sandbox.init([]).success();
            let authority = file(&sandbox, "ca.crt");
            damage(&sandbox.path(&format!("pg/tls/{name}")));
            // also while the server runs, which then reads its files again
            verifies(&sandbox, &format!("{what} {name}"));
            let is_open = what == "open" && name.ends_with(".key");
            let stays = match name {
                "ca.crt" => what == "open",
                // the key is needed for the next certificate only
                "ca.key" => !is_open,
                _ => true,
            };
            assert_eq!(file(&sandbox, "ca.crt") == authority, stays, "{what} {name}");
            std::fs::remove_dir_all(sandbox.path("pg/tls")).unwrap();
        }
    }
    sandbox.init([]).success();
    std::fs::set_permissions(sandbox.path("pg/tls/server.key"), PermissionsExt::from_mode(0o640))
        .unwrap();
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("server.key: it is replaced"), "{told}");
    assert!(!told.stderr.contains("PRIVATE KEY"), "{told}");
}

#[test]
fn a_place_that_is_no_directory_is_refused_before_anything_changes() {
    let mut sandbox = encrypted();
    sandbox.unset("PG_TLS");
    sandbox.init([]).success();
    let running = sandbox.postmaster();
    sandbox.set("PG_TLS", "1");
    sandbox.write("pg/tls", "");
    sandbox.init([]).fails(2, ["pg/tls is not a directory", "remove it"]);
    std::fs::remove_file(sandbox.path("pg/tls")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("home"), sandbox.path("pg/tls")).unwrap();
    sandbox.init([]).fails(2, ["pg/tls is not a directory", "remove it"]);
    assert_eq!(sandbox.postmaster(), running);
    std::fs::remove_file(sandbox.path("pg/tls")).unwrap();
    verifies(&sandbox, "a running server starts again with TLS");
}

#[test]
fn a_server_that_cannot_start_with_tls_goes_on_without() {
    let mut sandbox = encrypted();
    sandbox.unset("PG_TLS");
    sandbox.init([]).success();
    sandbox.leave_work();
    let conf = sandbox.read("pg/data/postgresql.conf");
    let own = format!("{conf}\nssl_ca_file = '/none'\n");
    std::fs::write(sandbox.path("pg/data/postgresql.conf"), own).unwrap();
    sandbox.set("PG_TLS", "1");
    sandbox.init([]).fails(1, ["/none", "runs again as it did before"]);
    assert!(sandbox.has_work());
    assert_eq!(sandbox.ask_in("postgres", "SHOW ssl"), "off");
    sandbox.unset("PG_TLS");
    assert_eq!(exported(&sandbox, super::WHO).success().stdout, "dev 127.0.0.1\n");
}

#[test]
fn keys_that_came_with_a_clone_of_the_project_are_not_used() {
    let sandbox = encrypted();
    sandbox.init([]).success();
    let authority = file(&sandbox, "ca.crt");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    std::fs::remove_dir_all(sandbox.path("pg/data")).unwrap();
    verifies(&sandbox, "a new cluster");
    assert_ne!(file(&sandbox, "ca.crt"), authority);
}

#[test]
fn certificates_are_renewed_before_they_expire() {
    let mut sandbox = encrypted();
    sandbox.init([]).success();
    let (authority, server) = (file(&sandbox, "ca.crt"), file(&sandbox, "server.crt"));
    let later = |sandbox: &mut Sandbox, days: u32| {
        clock::put(sandbox, &format!("+{days}d"));
        sandbox.init([]).success()
    };
    later(&mut sandbox, 300);
    assert_eq!(file(&sandbox, "server.crt"), server, "it is valid for some time");
    // the server goes on, and reads its files again
    later(&mut sandbox, 340);
    assert_eq!(file(&sandbox, "ca.crt"), authority);
    assert_ne!(file(&sandbox, "server.crt"), server);
    let told = later(&mut sandbox, 3640);
    assert!(told.stderr.contains("another test authority"), "{told}");
    assert_ne!(file(&sandbox, "ca.crt"), authority);
}
