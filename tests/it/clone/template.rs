//! The template databases of clones.

use super::SOURCE;
use crate::init::jobs::use_pg_cron;
use crate::support::project::{deployed, with_source};
use crate::support::trace::interrupt;
use crate::support::wait::signal;
use crate::support::{Sandbox, finish, psql, wait_until};

fn templates(sandbox: &Sandbox) -> String {
    sandbox.databases_like("app\\_template\\_%")
}

#[test]
fn a_changed_source_brings_a_new_template_and_drops_the_old_one() {
    let sandbox = deployed(SOURCE);
    let first = sandbox.clone_with([]);
    let old = templates(&sandbox);
    sandbox.clone_with([]);
    assert_eq!(templates(&sandbox), old, "an unchanged project keeps it");
    sandbox.write("project/db/src/entrypoint.sql", format!("{SOURCE}\\ir more.sql\n"));
    sandbox.write("project/db/src/more.sql", "INSERT INTO shop.item (name) VALUES ('coat');\n");
    let second = sandbox.clone_with([]);
    let count = |url: &str| sandbox.query(url, "SELECT count(*) FROM shop.item");
    assert_eq!((count(&first), count(&second)), ("1".to_owned(), "2".to_owned()));
    let new = templates(&sandbox);
    assert!(new != old && !new.contains(' '), "{new}");
    sandbox.write("project/db/src/more.sql", "SELECT 1;\n");
    assert_eq!(count(&sandbox.clone_with([])), "1");
    assert_ne!(templates(&sandbox), new);
}

#[test]
fn other_clients_copy_the_template() {
    let sandbox = deployed(SOURCE);
    let template = sandbox.database(["clone", "template"]).success().stdout;
    let template = template.trim();
    let url = sandbox.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    sandbox.query(&url, &format!("CREATE DATABASE by_hand TEMPLATE \"{template}\""));
    assert_eq!(sandbox.ask_in("by_hand", "SELECT name FROM shop.item"), "hat");
    let refused = sandbox.run(&psql(), ["-Xd", &sandbox.url(template), "-c", ""]);
    refused.fails(2, ["not currently accepting connections"]);
}

#[test]
fn sources_whose_closure_is_unknown_are_read_for_each_clone() {
    let sandbox = deployed(SOURCE);
    sandbox.write("project/db/src/entrypoint.sql", format!("{SOURCE}\\! true\n"));
    for _ in 0..2 {
        let told = sandbox.database(["clone"]).success();
        assert!(told.stderr.contains("entrypoint.sql:4: "), "{told}");
        let template = templates(&sandbox);
        assert!(!template.contains(' '), "the one before is gone: {template}");
    }
}

#[test]
fn a_template_has_the_locale_of_the_database() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    sandbox.ask_in("postgres", "DROP DATABASE app");
    sandbox.ask_in(
        "postgres",
        "CREATE DATABASE app OWNER dev TEMPLATE template0 LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    );
    let url = sandbox.clone_with([]);
    let collation = "SELECT datcollate FROM pg_database WHERE datname = current_database()";
    assert_eq!(sandbox.query(&url, collation), "C.UTF-8");
    assert!(!templates(&sandbox).contains(' '));
}

#[test]
fn pg_cron_lets_a_template_be_built_under_another_name() {
    let mut sandbox = with_source(&format!(
        "CREATE EXTENSION pg_cron;\nSELECT cron.schedule('yearly', '0 0 1 1 *', 'SELECT 1');\n{SOURCE}"
    ));
    if !use_pg_cron(&mut sandbox) {
        return;
    }
    sandbox.database(["deploy", "--no-patch"]).success();
    let url = sandbox.clone_with([]);
    assert_eq!(sandbox.query(&url, "SELECT jobname FROM cron.job"), "yearly");
    assert_eq!(sandbox.databases_like("contrib%"), "");
    sandbox.ask_in("postgres", "CREATE DATABASE contrib_regression");
    sandbox.write("project/test-data.sql", "SELECT 1;");
    sandbox.database(["clone", "--patch"]).fails(1, ["can only create extension in database app"]);
    assert_eq!(sandbox.databases_like("contrib%"), "contrib_regression", "it is somebody else's");
    sandbox.clone_with([]);
}

#[test]
fn an_interrupted_build_leaves_no_template() {
    for name in ["TERM", "KILL"] {
        let sandbox = deployed(SOURCE);
        let slow = format!("{SOURCE}\\! touch started\nSELECT pg_sleep(3600);\n");
        sandbox.write("project/db/src/entrypoint.sql", slow);
        let clone = sandbox.spawn("database", ["clone"]);
        let started = || sandbox.path("project/started").exists();
        if name == "TERM" {
            assert_eq!(interrupt(clone, name, started).signal, Some(15));
        } else {
            wait_until("the sources run", started);
            signal(name, clone.id());
            finish(clone, None);
        }
        sandbox.write("project/db/src/entrypoint.sql", SOURCE);
        wait_until("nothing is left", || {
            sandbox.database(["url"]).success();
            sandbox.databases_like("app\\_%").is_empty()
        });
        sandbox.clone_with([]);
    }
}

#[test]
fn a_database_of_somebody_else_is_not_replaced() {
    let sandbox = deployed(SOURCE);
    let template = sandbox.database(["clone", "template"]).success().stdout;
    let template = template.trim();
    sandbox.ask_in("postgres", &format!("ALTER DATABASE \"{template}\" IS_TEMPLATE false"));
    sandbox.ask_in("postgres", &format!("COMMENT ON DATABASE \"{template}\" IS 'mine'"));
    sandbox.database(["clone"]).fails(2, [template, "db-tool has not made"]);
    assert_eq!(templates(&sandbox), template);
}

#[test]
fn the_name_of_the_template_is_exported() {
    let sandbox = deployed(SOURCE);
    let export = || sandbox.database(["init", "--export", "dotenv"]).success().stdout;
    assert!(!export().contains("DATABASE_TEMPLATE"), "{}", export());
    sandbox.write("project/test-data.sql", "SELECT 1;");
    let patched = sandbox.database(["clone", "template", "--patch"]).success().stdout;
    assert!(export().contains(&format!("DATABASE_TEMPLATE='{}'\n", patched.trim())));
    let hydrated = sandbox.database(["clone", "template"]).success().stdout;
    assert!(export().contains(&format!("DATABASE_TEMPLATE='{}'\n", hydrated.trim())));
    let seen = sandbox.database(["run", "--", "sh", "-c", "echo $DATABASE_TEMPLATE"]).success();
    assert_eq!(seen.stdout, hydrated);
}

#[test]
fn status_counts_clones_and_deploy_tells_that_they_are_gone() {
    let sandbox = deployed(SOURCE);
    sandbox.clone_with([]);
    sandbox.clone_with(["--keep"]);
    let status = sandbox.database(["status"]).success().stdout;
    assert!(status.contains("\nclones:   2\n"), "{status}");
    let told = sandbox.database(["deploy", "--no-patch"]).success();
    assert!(told.stderr.contains("the old cluster had 2 clones"), "{told}");
    assert_eq!(sandbox.databases_like("app\\_%"), "");
    let status = sandbox.database(["status"]).success().stdout;
    assert!(!status.contains("clones"), "{status}");
    sandbox.clone_with([]);
}
