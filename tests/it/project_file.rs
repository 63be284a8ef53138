//! `database.toml`: found, read, layered, and not trusted like the user's own environment.

use crate::support::{Outcome, Sandbox, is_root, project};

/// A project whose only settings are in this file, and a command in a directory below its root.
fn project_of(toml: &str) -> Sandbox {
    let mut sandbox = project::with_source("");
    for name in ["LOCAL_DIR", "DB_URL", "PG_WORKING_DIR"] {
        sandbox.unset(name);
    }
    sandbox.write("project/database.toml", toml);
    std::fs::create_dir_all(sandbox.path("project/a/b")).unwrap();
    sandbox.go("project/a/b");
    sandbox
}

fn settings(sandbox: &Sandbox) -> serde_json::Value {
    let shown = sandbox.database(["config", "--format", "json"]).success().stdout;
    serde_json::from_str(&shown).unwrap()
}

/// The value of a variable and its origin, relative to the sandbox.
fn setting(sandbox: &Sandbox, variable: &str) -> (String, String) {
    let all = settings(sandbox);
    let one = all.as_array().unwrap().iter().find(|one| one["variable"] == variable).unwrap();
    let top = format!("{}/", sandbox.path("").display().to_string().trim_end_matches('/'));
    let text = |name: &str| one[name].as_str().unwrap().replace(&top, "");
    (text("value"), text("from"))
}

fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn the_settings_of_the_migrator_are_shown() {
    let mut sandbox = project_of(
        "[migrator]\nwait = '5s'\ndb_url = 'postgresql://m:hush@localhost/x'\nmigration_dir = 'm'\n\
         [migrator.variables]\ntoken = 'hush'\n",
    );
    let of = |sandbox: &Sandbox, name: &str| {
        let all = settings(sandbox);
        let one =
            all.as_array().unwrap().iter().find(|one| one["setting"] == name).unwrap().clone();
        (one["value"].as_str().unwrap().to_owned(), one["from"].as_str().unwrap().to_owned())
    };
    let file = sandbox.path("project/database.toml").display().to_string();
    assert_eq!(of(&sandbox, "migrator.wait"), ("5s".to_owned(), file.clone()));
    assert_eq!(of(&sandbox, "migrator.variables"), ("token".to_owned(), file.clone()));
    assert_eq!(of(&sandbox, "migrator.db_url").0, "postgresql://m@localhost/x");
    assert_eq!(of(&sandbox, "migrator.lock_timeout"), pair("(unset)", "default"));
    let directory = sandbox.path("project/m").display().to_string();
    assert_eq!(of(&sandbox, "migrator.migration_dir"), (directory, file));
    sandbox.set("MIGRATION_DIR", "elsewhere");
    assert_eq!(of(&sandbox, "migrator.migration_dir").1, "MIGRATION_DIR beats it");
    let shown = sandbox.database(["config"]).success();
    assert!(!shown.stdout.contains("hush"), "{shown}");
}

#[test]
fn the_file_makes_a_directory_a_project() {
    let sandbox = project_of("url = 'postgresql://dev@/app?host=focus/postgresql&port=5433'\n");
    assert_eq!(setting(&sandbox, "LOCAL_DIR"), pair("project", "project/database.toml"));
    sandbox.database(["init"]).success();
    assert_eq!(
        sandbox.database(["psql", "-XAtc", "SELECT current_user"]).success().stdout,
        "dev\n"
    );
    assert!(sandbox.path("project/focus/postgresql/data/PG_VERSION").exists());
    assert!(sandbox.path("project/focus/postgresql/sock/.s.PGSQL.5433").exists());
    sandbox.database(["cleanup"]).success();
}

#[test]
fn each_layer_beats_the_one_below() {
    let mut sandbox = project_of("database = 'one'\nport = 1001\nlog_dir = 'log'\n");
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("one", "project/database.toml"));
    assert_eq!(setting(&sandbox, "PG_LOG_PATH"), pair("project/log", "project/database.toml"));
    sandbox.write("project/database.ci.toml", "database = 'two'\nport = 1002\n");
    assert_eq!(setting(&sandbox, "PG_DATABASE").0, "one");
    sandbox.set("ENVIRONMENT", "ci");
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("two", "project/database.ci.toml"));
    sandbox.write("project/.env", "PG_DATABASE=three\nPG_PORT=1003\n");
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("three", "project/.env"));
    sandbox.set("PG_DATABASE", "four");
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("four", "environment"));
    assert_eq!(setting(&sandbox, "PG_PORT"), pair("1003", "project/.env"));
    assert_eq!(setting(&sandbox, "PG_TEMPLATE").1, "default");
    let flag = ["-u", "postgresql://x@localhost/y", "config"];
    let shown = sandbox.database(flag).success().stdout;
    assert!(
        shown.lines().any(|line| line.contains("x@localhost/y") && line.contains("--url")),
        "{shown}"
    );
}

#[test]
fn local_dir_says_where_the_file_is() {
    let mut sandbox = project_of("database = 'one'\n");
    sandbox.write("other/database.toml", "database = 'other'\n");
    sandbox.set("LOCAL_DIR", sandbox.path("other"));
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("other", "other/database.toml"));
    // the nearest file above the current directory
    sandbox.unset("LOCAL_DIR");
    sandbox.write("project/a/database.toml", "database = 'below'\n");
    assert_eq!(setting(&sandbox, "PG_DATABASE"), pair("below", "project/a/database.toml"));
}

#[test]
fn secrets_are_not_shown() {
    let mut sandbox = project_of(
        "url = 'postgresql://a:hush@localhost/b'\n[pull]\nurl = 'host=x password=hush'\n",
    );
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=hush");
    for format in ["text", "json"] {
        let shown = sandbox.database(["config", "--format", format]).success();
        assert!(!shown.stdout.contains("hush"), "{shown}");
        assert!(shown.stdout.contains("a@localhost/b"), "{shown}");
    }
}

#[track_caller]
fn refused<const N: usize>(sandbox: &Sandbox, code: i32, words: [&str; N]) -> Outcome {
    let refused = sandbox.database(["init"]).fails(code, words);
    assert!(!sandbox.path("project/focus").exists(), "nothing was changed");
    refused
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line() {
    let sandbox = project_of("");
    let file = "project/database.toml";
    for (text, code, words) in [
        ("\nport = 'x'\n", 2, ["database.toml:2", "port is not a whole number"]),
        ("port = 99999\n", 2, ["PG_PORT", "between 1 and 65535"]),
        ("workingdir = 'x'\n", 2, ["database.toml:1", "did you mean working_dir?"]),
        ("[pull]\ntabels = 'x'\n", 2, ["database.toml:2", "did you mean pull.tables?"]),
        ("port = \n", 2, ["database.toml:1", "database.toml"]),
        ("port = 1\nport = 2\n", 2, ["database.toml:2", "duplicate"]),
        ("working_dir = '../elsewhere'\n", 2, ["PG_WORKING_DIR", "outside the project"]),
    ] {
        sandbox.write(file, text);
        refused(&sandbox, code, words);
    }
    sandbox.write(file, format!("#{}", "x".repeat(10 << 20)));
    refused(&sandbox, 2, ["more than 1 MB"]);
    std::fs::write(sandbox.path(file), b"url = '\xff'\n").unwrap();
    refused(&sandbox, 2, ["database.toml", "UTF-8"]);
    std::fs::remove_file(sandbox.path(file)).unwrap();
    std::fs::create_dir(sandbox.path(file)).unwrap();
    refused(&sandbox, 2, ["database.toml"]);
    std::fs::remove_dir(sandbox.path(file)).unwrap();
    nix::unistd::mkfifo(&sandbox.path(file), nix::sys::stat::Mode::S_IRUSR).unwrap();
    refused(&sandbox, 2, ["database.toml"]);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_do_no_harm() {
    let sandbox = project_of("\u{feff}port = 1234\r\ndatabase = 'x'\r\n");
    assert_eq!(setting(&sandbox, "PG_PORT").0, "1234");
    assert_eq!(setting(&sandbox, "PG_DATABASE").0, "x");
}

#[test]
fn the_file_is_trusted_no_more_than_dotenv() {
    let mut sandbox = project_of("");
    for name in ["PG_BINDIR", "XDG_CACHE_HOME", "PG_SHARED_PRELOAD_LIBRARIES"] {
        sandbox.unset(name);
    }
    for (text, variable) in [
        ("bindir = './evil'\n", "PG_BINDIR"),
        ("os_user = 'root'\n", "PG_OS_USER"),
        ("conf_file = 'x.conf'\n", "PG_CONF_FILE"),
        ("pager = './evil'\n", "PAGER"),
        ("editor = './evil'\n", "EDITOR"),
        ("visual = './evil'\n", "VISUAL"),
        ("cache_dir = 'cache'\n", "XDG_CACHE_HOME"),
        ("preload_libraries = ['./evil']\n", "PG_SHARED_PRELOAD_LIBRARIES"),
        ("key_file = '/etc/hostname'\n", "HECTIC_SECRET_KEY_FILE"),
        ("url = 'host=/elsewhere'\n", "DB_URL"),
        ("[pull]\nssh_host = '-oProxyCommand=x'\n", "STAGING_SSH_HOST"),
    ] {
        sandbox.write("project/database.toml", text);
        refused(&sandbox, 2, [variable, "is not trusted"]);
        sandbox.write("project/database.toml", "");
        // the file of an environment is a file of the project, too
        sandbox.write("project/database.ci.toml", text);
        let mut ci = sandbox.command("database", ["init"]);
        let ci = crate::support::finish(
            ci.env("ENVIRONMENT", "ci").stderr(std::process::Stdio::piped()).spawn().unwrap(),
            None,
        );
        ci.fails(2, [variable, "is not trusted"]);
    }
}

#[test]
fn odd_places_are_refused() {
    let mut sandbox = project_of("port = 5433\n");
    for bad in ["../x", ".", "a/b", "x\n"] {
        sandbox.set("ENVIRONMENT", bad);
        refused(&sandbox, 2, ["ENVIRONMENT is not the name of an environment"]);
    }
    sandbox.unset("ENVIRONMENT");
    sandbox.set("HOME", sandbox.path("project"));
    refused(&sandbox, 2, ["home directory"]);
    if is_root() {
        sandbox.set("HOME", "/nowhere");
        sandbox.act_as("nobody");
        let file = sandbox.path("project/database.toml");
        std::os::unix::fs::chown(&file, Some(4321), None).unwrap();
        refused(&sandbox, 2, ["belongs to another user"]);
        // root works for the owner of the directory, and for nobody else
        let mut sandbox = project_of("port = 5433\n");
        let file = sandbox.path("project/database.toml");
        std::os::unix::fs::chown(&file, Some(4321), None).unwrap();
        refused(&sandbox, 2, ["belongs to another user"]);
        std::os::unix::fs::chown(sandbox.path("project/a/b"), Some(4321), None).unwrap();
        assert_eq!(setting(&sandbox, "PG_PORT").0, "5433");
        sandbox.set("LOCAL_DIR", sandbox.path("project"));
        std::os::unix::fs::chown(sandbox.path("project/a/b"), Some(0), None).unwrap();
        assert_eq!(setting(&sandbox, "PG_PORT").0, "5433");
    }
}

#[test]
fn sections_take_over_the_older_files() {
    let sandbox = project_of(
        "[migrator]\nmigration_dir = 'sql'\n[[diff.ignore]]\nobject = 'x'\nreason = ''\n",
    );
    sandbox.write("project/sql/20250101000001-a/up.sql", "SELECT 1;\n");
    let listed = sandbox.run("migrator", ["list"]).success();
    assert!(listed.stdout.contains("20250101000001-a"), "{listed}");
    sandbox.database(["diff", "--from-migrations"]).fails(2, ["has no reason"]);
    // an older file still works, and is told where its settings can go
    sandbox.write("project/database.toml", "");
    sandbox.write("project/a/b/migrator.toml", "migration_dir = '../../sql'\n");
    let listed = sandbox.run("migrator", ["list"]).success();
    assert!(listed.stdout.contains("20250101000001-a"), "{listed}");
    assert!(listed.stderr.contains("can move to [migrator]"), "{listed}");
    sandbox.write("project/database.toml", "[migrator]\nwait = '5s'\n");
    sandbox.run("migrator", ["list"]).fails(2, ["both make settings"]);
    std::fs::remove_file(sandbox.path("project/a/b/migrator.toml")).unwrap();
    sandbox.write("project/database.toml", "[migrator]\nwiat = '5s'\n");
    sandbox.run("migrator", ["list"]).fails(2, ["database.toml:2"]);
    sandbox.write("project/database.toml", "[migrator]\nmigration_dir = '../elsewhere'\n");
    sandbox.run("migrator", ["list"]).fails(2, ["outside the project"]);
}

#[test]
fn schemas_are_exempt_in_every_cluster() {
    let sandbox = project_of(
        "url = 'postgresql://dev@/app?host=focus/postgresql'\n\
         inheritance_excluded_schemas = ['legacy', 'Old \"Data\"']\n",
    );
    let tables = "CREATE SCHEMA legacy;\nCREATE TABLE legacy.t (i int);\n\
                  CREATE SCHEMA \"Old \"\"Data\"\"\";\nCREATE TABLE \"Old \"\"Data\"\"\".t (i int);\n";
    sandbox.write("project/db/src/entrypoint.sql", tables);
    sandbox.write("project/db/migration/20250101000001-a/up.sql", tables);
    let down = "DROP SCHEMA legacy CASCADE;\nDROP SCHEMA \"Old \"\"Data\"\"\" CASCADE;\n";
    sandbox.write("project/db/migration/20250101000001-a/down.sql", down);
    sandbox.database(["check", "--no-patch"]).success();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.database(["deploy", "--no-patch"]).success();
    sandbox.run("migrator", ["verify"]).success();
    sandbox.database(["diff", "--from-migrations"]).success();
    sandbox
        .write("project/db/src/entrypoint.sql", format!("{tables}CREATE TABLE other (i int);\n"));
    sandbox.database(["check", "--no-patch"]).fails(1, ["other", "created_at"]);
}
