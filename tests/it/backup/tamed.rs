//! Activities of a production cluster that a restored cluster must not continue.

use super::{backed_up, backup, fails_and_touches_nothing, repack, row, with_row};
use crate::support::{Sandbox, whoami};

/// Restarts the cluster with more settings.
fn restart_with(sandbox: &mut Sandbox, settings: &str) {
    sandbox.run("postgres-cleanup", [""; 0]).success();
    let conf = sandbox.read("pg/data/postgresql.conf");
    std::fs::write(sandbox.path("pg/data/postgresql.conf"), conf + settings).unwrap();
    sandbox.set("PG_REUSE", "1");
    sandbox.init([]).success();
    sandbox.unset("PG_REUSE");
}

#[test]
fn settings_of_another_machine_are_left_out_and_told() {
    let sandbox = backed_up();
    let conf = "ssl = on\nssl_cert_file = '/nowhere/server.crt'\narchive_mode = on\n\
                archive_command = 'touch /tmp/archived-by-a-test'\nlisten_addresses = '*'\n\
                primary_conninfo = 'host=primary'\nsynchronous_standby_names = 'other'\n\
                hba_file = '/nowhere/pg_hba.conf'\nport = 5999\nwork_mem = 5MB\nshop.mode = 'live'\n";
    let auto = "restore_command = 'cp /nowhere/%f %p'\nrecovery_target_timeline = 'latest'\n";
    let with = [("postgresql.conf", conf), ("postgresql.auto.conf", auto)];
    repack(&backup(&sandbox), &[], &with);
    let told = sandbox.database(["restore"]).success();
    for name in ["ssl", "archive_mode", "listen_addresses", "restore_command", "hba_file"] {
        assert!(told.stderr.contains(name), "{name}: {told}");
    }
    assert_eq!(row(&sandbox), "saved");
    for (name, value) in [
        ("ssl", "off"),
        ("archive_mode", "off"),
        ("listen_addresses", ""),
        ("port", "5432"),
        ("work_mem", "5MB"),
        ("shop.mode", "live"),
    ] {
        assert_eq!(sandbox.ask(&format!("SHOW {name}")), value, "{name}");
    }
}

#[test]
fn a_cluster_without_any_settings_starts_with_ours() {
    let sandbox = backed_up();
    let gone = ["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"];
    repack(&backup(&sandbox), &gone, &[]);
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn a_standby_and_an_unfinished_recovery_come_up_as_a_primary() {
    for signal in ["standby.signal", "recovery.signal"] {
        let sandbox = backed_up();
        repack(&backup(&sandbox), &[], &[(signal, "")]);
        let told = sandbox.database(["restore"]).success();
        assert!(told.stderr.contains(&format!("removed {signal}")), "{told}");
        assert_eq!(sandbox.ask("SELECT pg_is_in_recovery()"), "f");
        sandbox.ask("UPDATE work SET state = 'written'");
    }
}

#[test]
fn jobs_and_subscriptions_sleep() {
    let sandbox = with_row();
    sandbox.ask("CREATE SCHEMA cron");
    sandbox.ask("CREATE TABLE cron.job AS SELECT true AS active FROM generate_series(1, 2)");
    sandbox.ask(
        "CREATE SUBSCRIPTION far CONNECTION 'host=/nowhere' PUBLICATION p \
         WITH (connect = false, slot_name = 'far')",
    );
    sandbox.ask("ALTER SUBSCRIPTION far ENABLE");
    sandbox.database(["backup"]).success();
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("disabled 2 cron jobs in app"), "{told}");
    assert!(told.stderr.contains("disabled the subscription far in app"), "{told}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM cron.job WHERE active"), "0");
    assert_eq!(sandbox.ask("SELECT subenabled FROM pg_subscription"), "f");
}

#[test]
fn prepared_transactions_are_rolled_back() {
    let mut sandbox = with_row();
    restart_with(&mut sandbox, "max_prepared_transactions = 3\n");
    sandbox.ask("BEGIN; UPDATE work SET state = 'half'; PREPARE TRANSACTION 'it''s'");
    sandbox.database(["backup"]).success();
    // the backup lacks postgresql.conf, but the control file has the settings that count
    repack(&backup(&sandbox), &["postgresql.conf"], &[]);
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("rolled back the prepared transaction it's in app"), "{told}");
    sandbox.ask("UPDATE work SET state = 'free'");
}

#[test]
fn a_library_that_is_not_installed_is_named_and_can_be_left_out() {
    let mut sandbox = backed_up();
    let conf = ("postgresql.conf", "shared_preload_libraries = 'nonesuch'\n");
    repack(&backup(&sandbox), &[], &[conf]);
    sandbox.unset("PG_SHARED_PRELOAD_LIBRARIES");
    fails_and_touches_nothing(&sandbox, 127, ["nonesuch", "PG_SHARED_PRELOAD_LIBRARIES"]);
    sandbox.set("PG_SHARED_PRELOAD_LIBRARIES", "");
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
}

#[test]
fn indexes_of_another_sort_order_are_listed_and_built_anew() {
    let sandbox = with_row();
    sandbox.ask("CREATE INDEX by_state ON work (state)");
    sandbox.ask("UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'app'");
    let file = || sandbox.ask("SELECT pg_relation_filenode('by_state')");
    let before = file();
    sandbox.database(["backup"]).success();
    let told = sandbox.database(["restore"]).success();
    assert!(told.stderr.contains("public.by_state"), "{told}");
    assert!(told.stderr.contains("--reindex"), "{told}");
    assert_eq!(file(), before);
    let told = sandbox.database(["restore", "--reindex"]).success();
    assert!(told.stderr.contains("built anew"), "{told}");
    assert_ne!(file(), before);
}

/// No file of the backup names its bootstrap superuser.
#[test]
fn a_superuser_of_an_unknown_name_is_no_obstacle() {
    let sandbox = with_row();
    let dev = sandbox.url("app").replace(&format!("user={}", whoami()), "user=dev");
    sandbox.query(&dev, &format!("ALTER ROLE \"{}\" RENAME TO \"Odd One\"", whoami()));
    sandbox.query(&dev, "ALTER TABLE work OWNER TO dev");
    sandbox.database(["backup"]).success();
    repack(&backup(&sandbox), &["db-tool.json"], &[]);
    std::fs::remove_file(backup(&sandbox).join("backup.json")).unwrap();
    sandbox.database(["restore"]).success();
    assert_eq!(row(&sandbox), "saved");
}
