//! The choice of the bundle: `full`, `history` or `off`.

mod history;

use crate::support::trace::own_cache;
use crate::support::{Sandbox, project, repository};

const PLAIN: &str = "CREATE TABLE plain (id int PRIMARY KEY);\n";

/// The bundle in a database: nothing, the files of `history`, or also the rules.
const THERE: &str = "SELECT concat_ws(' ', to_regnamespace('hectic'), to_regclass('hectic.migration_state'), \
                     to_regclass('hectic.secret_sealed'), to_regclass('hectic.created_at'), \
                     (SELECT count(*) FROM pg_event_trigger))";
const OFF: &str = "0";
const HISTORY: &str = "hectic hectic.migration_state hectic.secret_sealed 0";
const FULL: &str = "hectic hectic.migration_state hectic.secret_sealed hectic.created_at 4";

/// A project with this bundle and with tables that inherit nothing.
fn project_with(bundle: &str) -> Sandbox {
    let sandbox = project::with_source(PLAIN);
    if !bundle.is_empty() {
        sandbox.write("project/database.toml", format!("bundle = '{bundle}'\n"));
    }
    migration(&sandbox, 1, "CREATE TABLE made ();", "DROP TABLE made;");
    sandbox
}

fn migration(sandbox: &Sandbox, number: u8, up: &str, down: &str) {
    let name = format!("project/db/migration/2025010100000{number}-m");
    sandbox.write(&format!("{name}/up.sql"), up);
    sandbox.write(&format!("{name}/down.sql"), down);
}

fn status(sandbox: &Sandbox) -> String {
    sandbox.database(["bundle", "status"]).success().stdout
}

#[test]
fn the_setting_decides_what_deploy_applies() {
    for (bundle, there) in [("history", HISTORY), ("off", OFF)] {
        let sandbox = project_with(bundle);
        sandbox.database(["deploy", "--no-patch"]).success();
        assert_eq!(sandbox.ask(THERE), there, "{bundle}");
        sandbox.database(["hydrate", "--no-hook"]).fails(1, ["already exists"]);
        sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;");
        sandbox.database(["hydrate"]).success();
        assert_eq!(sandbox.ask(THERE), there, "{bundle}");
    }
    let sandbox = project_with("");
    let refused = sandbox.database(["deploy", "--no-patch"]).fails(1, ["does not inherit"]);
    for word in ["bundle = \"history\"", "inheritance_excluded_schemas", "database.toml"] {
        assert!(refused.stderr.contains(word), "{refused}");
    }
}

#[test]
fn every_layer_can_choose_and_a_flag_wins() {
    let mut sandbox = project_with("");
    let check = |sandbox: &Sandbox, words: &[&str]| {
        let all = [&["check", "--no-patch"], words].concat();
        sandbox.run("database", all)
    };
    check(&sandbox, &[]).fails(1, ["does not inherit"]);
    check(&sandbox, &["--bundle", "history"]).success();
    check(&sandbox, &["--no-hook", "--bundle", "off"]).success();
    sandbox.write("project/database.toml", "bundle = 'history'\n");
    check(&sandbox, &[]).success();
    sandbox.write("project/.env", "HECTIC_BUNDLE=full\n");
    check(&sandbox, &[]).fails(1, ["does not inherit"]);
    sandbox.set("HECTIC_BUNDLE", "off");
    check(&sandbox, &[]).success();
    check(&sandbox, &["--bundle=full"]).fails(1, ["does not inherit"]);
    sandbox.write("project/db/src/entrypoint.sql", "SELECT hectic.get_secret('A');");
    check(&sandbox, &[]).fails(1, ["schema \"hectic\" does not exist"]);
    check(&sandbox, &["--bundle", "history"]).success();
    // an empty variable counts as unset
    sandbox.write("project/.env", "");
    sandbox.write("project/database.toml", "");
    sandbox.write("project/db/src/entrypoint.sql", PLAIN);
    sandbox.set("HECTIC_BUNDLE", "");
    check(&sandbox, &[]).fails(1, ["does not inherit"]);
}

#[test]
fn a_wrong_choice_is_refused_before_anything_happens() {
    let mut sandbox = project_with("");
    for (value, words) in [
        ("'Full'", ["database.toml:1", "did you mean full?"]),
        ("'hist'", ["full, history or off", "did you mean history?"]),
        ("''", ["database.toml:1", "full, history or off"]),
        ("1", ["bundle is not one of", "full, history or off"]),
        ("false", ["bundle is not one of", "full, history or off"]),
        ("['full']", ["bundle is not one of", "full, history or off"]),
    ] {
        sandbox.write("project/database.toml", format!("bundle = {value}\n"));
        sandbox.database(["deploy"]).fails(2, words);
    }
    sandbox.write("project/database.toml", "");
    for (value, words) in [
        ("FULL", ["HECTIC_BUNDLE is \"FULL\", not full, history or off", "did you mean full?"]),
        ("1", ["HECTIC_BUNDLE is \"1\"", "full is the default"]),
        ("hunter2hunter2", ["HECTIC_BUNDLE", "full is the default"]),
    ] {
        sandbox.set("HECTIC_BUNDLE", value);
        for verb in [&["deploy"][..], &["check"], &["hydrate"], &["migrator", "info"]] {
            let refused = sandbox.run("database", verb).fails(2, words);
            assert!(!refused.stderr.contains("hunter2hunter2"), "{refused}");
        }
    }
    sandbox.unset("HECTIC_BUNDLE");
    for verb in [
        &["deploy"][..],
        &["check"],
        &["hydrate"],
        &["diff", "--from-migrations"],
        &["secrets", "load"],
        &["bundle", "upgrade"],
        &["migrator", "verify"],
        &["migrator", "init"],
    ] {
        let with = |more: &[&str]| sandbox.run("database", [verb, more].concat());
        let words = ["invalid value 'ful'", "full, history, off"];
        with(&["--bundle", "ful"]).fails(2, words);
        let words = ["--no-hook and --bundle full exclude each other", "--bundle off"];
        with(&["--bundle", "full", "--no-hook"]).fails(2, words);
    }
    assert!(!sandbox.path("pg/data").exists());
}

#[test]
fn short_h_keeps_its_meanings() {
    let sandbox = project_with("");
    sandbox.database(["deploy", "-H", "-P"]).success();
    assert_eq!(sandbox.ask(THERE), OFF);
    assert_eq!(sandbox.ask("SELECT to_regclass('plain') IS NULL"), "t");
    sandbox.database(["hydrate", "-H"]).success();
    assert_eq!(sandbox.ask(THERE), OFF);
    assert_eq!(sandbox.ask("SELECT to_regclass('plain') IS NULL"), "f");
}

#[test]
fn full_is_an_addition_and_history_removes_nothing() {
    let sandbox = project_with("history");
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.write("project/db/src/entrypoint.sql", "SELECT 1;");
    sandbox.ask("INSERT INTO plain VALUES (1)");
    sandbox.database(["secrets", "load", "-f", &env_file(&sandbox)]).success();
    assert_eq!(status(&sandbox), "0.5.3, history, current\n");
    let upgrade = |words: &[&str]| {
        let all = [&["bundle", "upgrade"], words].concat();
        sandbox.run("database", all).success().stderr
    };
    assert_eq!(upgrade(&[]), "history bundle 0.5.3 is current; applied again\n");
    sandbox.write("project/database.toml", "bundle = 'full'\n");
    assert_eq!(upgrade(&[]), "history bundle 0.5.3 is current; applied again\n");
    assert_eq!(sandbox.ask(THERE), HISTORY);
    sandbox.database(["hydrate"]).success();
    assert_eq!(sandbox.ask(THERE), FULL);
    assert_eq!(status(&sandbox), "0.5.3, full, current\n");
    assert_eq!(sandbox.ask("SELECT hectic.get_secret('A') || id FROM plain"), "x1");
    sandbox.write("project/database.toml", "bundle = 'history'\n");
    let kept = "the database has the full bundle, and keeps it";
    for verb in [&["hydrate"][..], &["migrator", "init"]] {
        let done = sandbox.run("database", verb).success();
        assert!(done.stderr.contains(kept), "{done}");
    }
    assert!(upgrade(&["--bundle", "history"]).contains(kept));
    sandbox.write("project/database.toml", "bundle = 'off'\n");
    sandbox.database(["hydrate"]).success();
    assert_eq!(upgrade(&[]), "full bundle 0.5.3 is current; applied again\n");
    assert_eq!(sandbox.ask(THERE), FULL);
    for flag in ["--no-hook", "--bundle=off"] {
        sandbox.database(["bundle", "upgrade", flag]).fails(2, ["nothing to upgrade"]);
    }
}

fn env_file(sandbox: &Sandbox) -> String {
    sandbox.write("some.env", "A=x\n").display().to_string()
}

#[test]
fn upgrade_adds_what_it_is_told_to() {
    let sandbox = project_with("off");
    sandbox.database(["deploy", "--no-patch"]).success();
    assert_eq!(status(&sandbox), "absent (this tool brings 0.5.3)\n");
    sandbox
        .database(["bundle", "upgrade"])
        .fails(2, ["the hectic bundle is off", "bundle = \"history\""]);
    let upgrade =
        |kind: &str| sandbox.database(["bundle", "upgrade", "--bundle", kind]).success().stderr;
    assert_eq!(upgrade("history"), "history bundle 0.5.3 applied\n");
    let was = "full bundle 0.5.3 applied (was: 0.5.3, history, current)\n";
    assert_eq!(upgrade("full"), was);
    assert_eq!(sandbox.ask(THERE), FULL);
}

#[test]
fn loading_secrets_brings_the_bundle_that_the_project_wants() {
    for (bundle, there) in [("history", HISTORY), ("", FULL)] {
        let sandbox = project_with(bundle);
        sandbox.database(["init"]).success();
        let file = env_file(&sandbox);
        let loaded = sandbox.database(["secrets", "load", "-f", &file]).success();
        let kind = if bundle.is_empty() { "full" } else { bundle };
        let told = format!("the database had no bundle: {kind} bundle 0.5.3 applied\n");
        assert!(loaded.stderr.contains(&told), "{loaded}");
        assert_eq!(sandbox.ask(THERE), there);
        assert_eq!(sandbox.ask("SELECT hectic.get_secret('A')"), "x");
        let again = sandbox.database(["secrets", "load", "-f", &file]).success();
        assert_eq!(again.stderr, "loaded 1 secret\n");
        sandbox.database(["secrets", "rotate"]).success();
        assert_eq!(sandbox.database(["secrets", "get", "A"]).success().stdout, "x\n");
    }
    let sandbox = project_with("off");
    sandbox.database(["init"]).success();
    let words = ["keeps no secrets", "the hectic bundle is off", "bundle = \"history\""];
    sandbox.database(["secrets", "load", "-f", &env_file(&sandbox)]).fails(2, words);
    assert_eq!(sandbox.ask(THERE), OFF);
    let file = env_file(&sandbox);
    sandbox.database(["secrets", "load", "-f", &file, "--bundle", "history"]).success();
    assert_eq!(sandbox.ask(THERE), HISTORY);
}

#[test]
fn without_the_bundle_no_dotenv_is_read() {
    let mut sandbox = project_with("off");
    sandbox.set("ENVIRONMENT", "dev");
    // a dotenv of the project's own programs, in another grammar
    sandbox.write("project/.env.dev", "this is: no dotenv of ours\n");
    for verb in ["deploy", "check"] {
        let done = sandbox.database([verb, "--no-patch"]).success();
        assert!(done.stderr.contains("warning: the dotenv is not loaded"), "{done}");
    }
    let file = env_file(&sandbox);
    sandbox.write("project/db/src/entrypoint.sql", "CREATE TABLE later ();");
    for verb in ["deploy", "check", "hydrate"] {
        let words = ["the dotenv is not loaded", "no hectic bundle", "bundle = \"history\""];
        sandbox.database([verb, "-f", &file]).fails(2, words);
        assert_eq!(sandbox.ask("SELECT to_regclass('later') IS NULL"), "t", "{verb}");
    }
    std::fs::remove_file(sandbox.path("project/.env.dev")).unwrap();
    let quiet = sandbox.database(["check", "--no-patch"]).success();
    assert!(!quiet.stderr.contains("dotenv"), "{quiet}");
}

/// A prepared cluster is remembered for one choice only.
#[test]
fn the_template_cache_keeps_the_kinds_apart() {
    let mut sandbox = project_with("");
    own_cache(&mut sandbox);
    let shown = "DO $$ BEGIN RAISE 'there: <%>', (QUERY); END $$;".replace("QUERY", THERE);
    sandbox.write("project/db/src/entrypoint.sql", shown);
    for _ in 0..3 {
        for (kind, there) in [("full", FULL), ("history", HISTORY), ("off", OFF)] {
            sandbox.database(["check", "--bundle", kind]).fails(1, [&*format!("there: <{there}>")]);
        }
    }
}

#[test]
fn an_upgrade_keeps_the_kind() {
    for (bundle, there) in [("history", HISTORY), ("full", FULL)] {
        let sandbox = project_with(bundle);
        sandbox.write("project/db/src/entrypoint.sql", "");
        sandbox.database(["deploy", "--no-patch"]).success();
        sandbox.database(["secrets", "load", "-f", &env_file(&sandbox)]).success();
        let file = "CREATE TABLE made () INHERITS (hectic.created_at);";
        migration(&sandbox, 1, if bundle == "full" { file } else { "CREATE TABLE made ();" }, "");
        sandbox.database(["migrator", "migrate", "up"]).success();
        let states = repository().join("tests/fixture/bundle/upgrade/states.sql");
        let states = states.display().to_string();
        for version in ["0.5.2", "0.5.1", "0.5.0"] {
            if version != "0.5.2" {
                sandbox.database(["psql", "-Xq", "-o", "/dev/null", "-f", &states]).success();
            }
            sandbox.ask(&format!("UPDATE hectic.version SET version = '{version}'"));
            let older = format!("{version}, {bundle}, older than 0.5.3");
            assert_eq!(status(&sandbox), format!("{older}\n"));
            let words = ["hint: Run `database bundle upgrade`"];
            sandbox.database(["hydrate"]).fails(13, words);
            let upgraded = sandbox.database(["bundle", "upgrade", "-q"]).success();
            assert_eq!(upgraded.stderr, "", "{version}");
            assert_eq!(sandbox.ask(THERE), there, "{version}");
            assert_eq!(status(&sandbox), format!("0.5.3, {bundle}, current\n"));
            let kept =
                "SELECT hectic.get_secret('A') || string_agg(name, ' ') FROM hectic.migration";
            assert_eq!(sandbox.ask(kept), "x20250101000001-m");
        }
        sandbox.database(["hydrate"]).success();
    }
    // an older history bundle becomes a full one of this version
    let sandbox = project_with("history");
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.ask("UPDATE hectic.version SET version = '0.5.2'");
    let upgraded = sandbox.database(["bundle", "upgrade", "--bundle", "full"]).success();
    let told = "upgraded to the full bundle 0.5.3 (was: 0.5.2, history, older than 0.5.3)\n";
    assert_eq!(upgraded.stderr, told);
    assert_eq!(sandbox.ask(THERE), FULL);
}

/// The event triggers need a superuser, and nothing else does.
#[test]
fn history_needs_no_superuser() {
    let sandbox = project_with("history");
    sandbox.database(["init"]).success();
    sandbox.ask("CREATE ROLE plain LOGIN; GRANT CREATE ON DATABASE app TO plain");
    sandbox.ask("GRANT CREATE ON SCHEMA public TO plain");
    let url = format!("host={} user=plain dbname=app", sandbox.path("pg").display());
    let hydrated = sandbox.database(["-u", &url, "hydrate"]).success();
    assert!(!hydrated.stderr.contains("warning"), "{hydrated}");
    assert_eq!(sandbox.ask(THERE), HISTORY);
    sandbox.database(["-u", &url, "migrator", "migrate", "up"]).success();
}

#[test]
fn sources_that_need_more_of_the_bundle_are_told_so() {
    let sandbox = project_with("");
    sandbox
        .write("project/db/src/entrypoint.sql", "CREATE TABLE t () INHERITS (hectic.updated_at);");
    for (kind, hint) in [
        ("history", "the database has the history bundle; bundle = \"full\""),
        ("off", "the database has no hectic bundle; bundle = \"full\" or \"history\""),
    ] {
        for verb in ["check", "deploy"] {
            sandbox.database([verb, "--bundle", kind]).fails(1, ["does not exist", hint]);
        }
    }
    sandbox.write("project/db/src/entrypoint.sql", "SELECT FROM \"hectic.other\";");
    let other = sandbox.database(["check", "--bundle", "off"]).fails(1, ["does not exist"]);
    assert!(!other.stderr.contains("hectic bundle"), "{other}");
}
