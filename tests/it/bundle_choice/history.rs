//! The migrator and comparisons, which need the history of migrations.

use super::{HISTORY, OFF, PLAIN, THERE, migration, project_with};
use crate::support::Sandbox;
use crate::support::trace::own_cache;

#[test]
fn the_migrator_works_with_history_alone() {
    let sandbox = project_with("history");
    migration(&sandbox, 2, "CREATE TABLE two ();", "DROP TABLE two;");
    sandbox.database(["init"]).success();
    sandbox.database(["migrator", "verify"]).success();
    sandbox.database(["migrator", "migrate", "up", "all"]).success();
    assert_eq!(sandbox.ask(THERE), HISTORY);
    sandbox.database(["migrator", "migrate", "down"]).success();
    sandbox.database(["migrator", "validate"]).success();
    assert_eq!(
        sandbox.ask("SELECT string_agg(name, ' ') FROM hectic.migration"),
        "20250101000001-m"
    );
    sandbox.database(["migrator", "fetch"]).success();
    let printed = sandbox.database(["migrator", "init", "--dry-run"]).success().stdout;
    assert!(printed.contains("hectic.migration_state"), "{printed}");
    assert!(!printed.contains("CREATE EVENT TRIGGER"));
    let told = sandbox.database(["migrator", "init"]).success().stderr;
    assert_eq!(told, "history bundle 0.5.3 applied\n");
    let json = sandbox.database(["migrator", "init", "--json"]).success().stdout;
    assert!(json.contains("\"kind\": \"history\""), "{json}");
    // under full, the rule holds in the private cluster as well
    let words = ["does not inherit hectic.created_at"];
    sandbox.database(["migrator", "verify", "--bundle", "full"]).fails(4, words);
}

#[test]
fn without_the_bundle_the_migrator_says_what_it_needs() {
    let sandbox = project_with("off");
    sandbox.database(["deploy", "--no-patch"]).success();
    for verb in [
        &["migrate", "up"][..],
        &["apply"],
        &["--dry-run", "migrate", "up"],
        &["init"],
        &["init", "--dry-run"],
        &["info"],
        &["history"],
        &["validate"],
        &["abort"],
        &["repair"],
        &["clean", "-y"],
        &["baseline", "latest"],
        &["verify"],
        &["fetch"],
    ] {
        let words = ["no history of migrations", "bundle is off", "bundle = \"history\""];
        sandbox.run("database", [&["migrator"], verb].concat()).fails(2, words);
    }
    assert_eq!(sandbox.ask(THERE), OFF);
    sandbox.database(["migrator", "list"]).success();
    sandbox.database(["migrator", "create", "x"]).success();
    // a history that is there is as good as any
    sandbox.database(["migrator", "--bundle", "history", "migrate", "up"]).success();
    sandbox.database(["migrator", "info"]).success();
    sandbox.database(["migrator", "migrate", "down"]).success();
}

#[test]
fn a_comparison_is_silent_between_equals_and_names_the_kind_otherwise() {
    let silent = |sandbox: &Sandbox, words: &[&str]| {
        let found = sandbox.run("database", [&["diff"], words].concat()).success();
        assert_eq!(found.stdout, "", "{found}");
    };
    let url = |sandbox: &Sandbox| sandbox.url("app");
    for bundle in ["history", "off", "full"] {
        let mut sandbox = project_with(bundle);
        own_cache(&mut sandbox);
        sandbox.write("project/db/src/entrypoint.sql", "CREATE SEQUENCE one;");
        sandbox.database(["deploy", "--no-patch"]).success();
        let url = url(&sandbox);
        silent(&sandbox, &["--against", &url]);
        // without migrations, a history is not needed
        let _ = std::fs::remove_dir_all(sandbox.path("project/db/migration"));
        std::fs::create_dir_all(sandbox.path("project/db/migration")).unwrap();
        let found = sandbox.database(["diff", "--from-migrations"]).fails(1, ["1 difference"]);
        assert!(found.stdout.contains("+ sequence public.one"), "{found}");
        for other in ["history", "off", "full"].into_iter().filter(|other| *other != bundle) {
            let words = ["diff", "--against", &url, "--bundle", other];
            let found = sandbox.database(words).fails(1, ["1 difference that counts, 0 others"]);
            assert!(
                found.stdout.contains(" bundle hectic") && found.stdout.contains("[bundle]"),
                "{found}"
            );
            if [bundle, other] == ["history", "full"] {
                assert!(found.stdout.contains("history → full"), "{found}");
                assert!(found.stdout.contains("bundle upgrade --bundle full"), "{found}");
            }
        }
    }
}

#[test]
fn a_comparison_with_migrations_needs_the_history() {
    let mut sandbox = project_with("off");
    own_cache(&mut sandbox);
    sandbox.write("project/db/src/entrypoint.sql", "CREATE TABLE made ();");
    sandbox
        .database(["diff", "--from-migrations"])
        .fails(2, ["no history", "bundle = \"history\""]);
    let found = sandbox.database(["diff", "--from-migrations", "--bundle", "history"]).success();
    assert_eq!(found.stdout, "", "{found}");
}

#[test]
fn a_backup_keeps_its_kind_in_a_comparison() {
    let mut sandbox = project_with("history");
    own_cache(&mut sandbox);
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.ask("UPDATE hectic.version SET version = '0.5.2'");
    sandbox.database(["backup"]).success();
    sandbox.write("project/db/src/entrypoint.sql", format!("{PLAIN}CREATE TABLE made ();"));
    let found = sandbox.database(["diff"]).success();
    assert_eq!(found.stdout, "", "{found}");
    assert!(found.stderr.contains("its copy was upgraded to 0.5.3"), "{found}");
    sandbox.write("project/database.toml", "inheritance_excluded_schemas = ['public']");
    let found = sandbox.database(["diff"]).fails(1, ["1 difference that counts, 0 others"]);
    assert!(found.stdout.contains("history → full"), "{found}");
    // with off, the history of the backup does
    let found = sandbox.database(["diff", "--no-hook"]).fails(1, ["1 difference"]);
    assert!(found.stdout.contains("- bundle hectic"), "{found}");
}

#[test]
fn a_migration_is_drafted_and_proven_with_history() {
    let mut sandbox = project_with("history");
    own_cache(&mut sandbox);
    sandbox
        .write("project/db/src/entrypoint.sql", "CREATE TABLE made ();\nCREATE TABLE two (a int);");
    let words = ["wrote ", "up.sql"];
    sandbox.database(["diff", "--from-migrations", "--write-migration", "two"]).fails(1, words);
    let found = sandbox.database(["diff", "--from-migrations"]).success();
    assert_eq!(found.stdout, "", "{found}");
    sandbox.database(["migrator", "verify"]).success();
}

#[test]
fn a_draft_makes_nothing_of_the_bundle() {
    let mut sandbox = project_with("off");
    own_cache(&mut sandbox);
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.database(["backup"]).success();
    sandbox.write("project/database.toml", "bundle = 'history'\n");
    sandbox
        .write("project/db/src/entrypoint.sql", "CREATE TABLE plain (id int PRIMARY KEY, n int);");
    std::fs::remove_dir_all(sandbox.path("project/db/migration")).unwrap();
    let words = ["+ bundle hectic", "db/rejected/n has the draft"];
    sandbox.database(["diff", "--write-migration", "n"]).fails(1, words);
    let up = sandbox.read("project/db/rejected/n/up.sql");
    assert!(up.contains("ADD COLUMN n integer;") && !up.contains("REVOKE"), "{up}");
}
