//! The password: nobody is let in without it, it stays, and nobody else sees it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use super::{WHO, exported, listening, password};
use crate::support::{Sandbox, is_root, whoami};

#[test]
fn nobody_is_let_in_without_the_password() {
    let sandbox = listening();
    let try_as =
        |variables: &str| exported(&sandbox, &format!("{variables} psql -w -Xc 'SELECT 1'"));
    try_as("PGPASSFILE=/none").fails(2, ["no password supplied"]);
    try_as("PGPASSWORD=wrong").fails(2, ["password authentication failed"]);
    // the superuser, too
    try_as(&format!("PGUSER={} PGPASSWORD=wrong", whoami())).fails(2, ["authentication failed"]);
    try_as(&format!("PGUSER={}", whoami())).fails(2, ["no password supplied"]);
}

#[test]
fn a_line_of_trust_in_pg_hba_conf_changes_nothing() {
    let sandbox = listening();
    sandbox.init([]).success();
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let hba = sandbox.read("pg/data/pg_hba.conf");
    let own = format!("{hba}host all all all trust\nhost replication all all trust\n");
    std::fs::write(sandbox.path("pg/data/pg_hba.conf"), own).unwrap();
    let refused = exported(&sandbox, "PGPASSFILE=/none psql -w -Xc 'SELECT 1'");
    refused.fails(2, ["no password supplied"]);
    let replication = exported(&sandbox, "psql -w -X 'replication=true' -c 'IDENTIFY_SYSTEM'");
    replication.fails(2, ["rejects replication connection"]);
    assert!(sandbox.read("pg/data/pg_hba.conf").ends_with("host replication all all trust\n"));
}

#[test]
fn the_password_stays_until_the_cluster_is_made_anew() {
    let mut sandbox = listening();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;");
    sandbox.set("LOCAL_DIR", sandbox.path("project"));
    sandbox.init([]).success();
    let first = password(&sandbox);
    let stays = |sandbox: &Sandbox, after: &str| {
        assert_eq!(password(sandbox), first, "{after}");
        assert_eq!(exported(sandbox, WHO).success().stdout, "dev 127.0.0.1\n", "{after}");
    };
    sandbox.init([]).success();
    stays(&sandbox, "attach");
    sandbox.run("postgres-cleanup", [""; 0]).success();
    sandbox.init([]).success();
    stays(&sandbox, "restart");
    sandbox.database(["deploy", "-P"]).success();
    stays(&sandbox, "deploy");
    sandbox.database(["snapshot", "restore", "before-deploy"]).success();
    stays(&sandbox, "snapshot restore");
    sandbox.database(["backup", sandbox.path("home/backup").to_str().unwrap()]).success();
    sandbox.init(["--fresh"]).success();
    let second = password(&sandbox);
    assert_ne!(first, second);
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    // older clusters get the password of today
    sandbox.database(["snapshot", "restore", "before-deploy"]).success();
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    sandbox.database(["restore", sandbox.path("home/backup").to_str().unwrap()]).success();
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    assert_eq!(password(&sandbox), second);
    sandbox.database(["snapshot", "rm", "before-deploy"]).success();
    let removed = sandbox.database(["cleanup"]).success();
    assert!(!sandbox.path("pg").exists(), "{removed}");
}

#[test]
fn a_changed_role_or_password_is_mended() {
    let mut sandbox = listening();
    sandbox.init([]).success();
    sandbox.ask_in("postgres", "ALTER ROLE dev PASSWORD 'another'");
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    let directory = sandbox.path("pg").display().to_string();
    sandbox.set("DB_URL", format!("host={directory} user='o:dd\\\\one' dbname=app"));
    assert_eq!(exported(&sandbox, WHO).success().stdout, "o:dd\\one 127.0.0.1\n");
    sandbox.unset("DB_URL");
    sandbox.set("PG_DATABASE", "app");
    let superuser = format!("{} 127.0.0.1\n", whoami());
    assert_eq!(exported(&sandbox, WHO).success().stdout, superuser);
}

#[test]
fn a_passfile_that_others_could_read_gets_another_password() {
    let sandbox = listening();
    sandbox.init([]).success();
    let (path, first) = (sandbox.path("pg/passfile"), password(&sandbox));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let told = sandbox.init([]).success();
    assert!(told.stderr.contains("can be read by others"), "{told}");
    assert_ne!(password(&sandbox), first);
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    for garbage in ["", "127.0.0.1:1:*:dev:hush\n", "\u{0}\u{1}"] {
        std::fs::write(&path, garbage).unwrap();
        assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n", "{garbage:?}");
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(sandbox.path("home/elsewhere"), &path).unwrap();
    assert_eq!(exported(&sandbox, WHO).success().stdout, "dev 127.0.0.1\n");
    assert!(!sandbox.path("home/elsewhere").exists(), "no link is followed");
}

#[test]
fn other_users_of_the_machine_cannot_read_the_passfile() {
    let sandbox = listening();
    sandbox.init([]).success();
    let path = sandbox.path("pg/passfile");
    let (file, directory) = (path.metadata().unwrap(), sandbox.path("pg").metadata().unwrap());
    assert_eq!((file.mode() & 0o777, directory.mode() & 0o777), (0o600, 0o700));
    assert_eq!(file.uid(), sandbox.path("pg/data").metadata().unwrap().uid());
    if is_root() {
        std::fs::set_permissions(sandbox.path("pg"), PermissionsExt::from_mode(0o755)).unwrap();
        let mut cat = Command::new("runuser");
        let read = cat.args(["-u", "nobody", "--", "cat"]).arg(&path).output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty(), "{read:?}");
    }
}

#[test]
fn the_password_is_told_to_nobody() {
    let mut sandbox = listening();
    let conf = sandbox.write("home/conf", "log_statement = 'all'\nlog_connections = on\n");
    sandbox.set("PG_CONF_FILE", conf);
    let mut said = String::new();
    for arguments in [&["--verbose"][..], &["--export", "json"], &["--fresh", "--verbose"]] {
        let outcome = sandbox.run("postgres-init", arguments).success();
        said.push_str(&outcome.to_string());
        said.push_str(&sandbox.database(["status"]).success().to_string());
        let secret = password(&sandbox);
        assert!(secret.len() >= 22, "128 bits in base64");
        let log = sandbox.read("pg/log/server.log");
        assert!(log.contains("ALTER ROLE"), "{log}");
        assert!(!log.contains(&secret) && !said.contains(&secret));
    }
}
