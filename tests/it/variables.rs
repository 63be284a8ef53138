//! The documented environment variables, except those that concern only the cluster.

use crate::support::{Sandbox, program, project, server};

const ITEM: &str = "CREATE TABLE IF NOT EXISTS item (id int) INHERITS (hectic.created_at);\n";

fn secret(sandbox: &Sandbox, name: &str) -> String {
    sandbox.ask(&format!("SELECT coalesce(hectic.get_secret('{name}'), '(none)')"))
}

#[test]
fn local_dir_may_be_relative_and_must_be_a_directory() {
    let mut sandbox = project::deployed(ITEM);
    sandbox.set("LOCAL_DIR", "project");
    sandbox.database(["hydrate"]).success();
    sandbox.set("LOCAL_DIR", sandbox.path("project/db/src/entrypoint.sql"));
    sandbox.database(["hydrate"]).fails(3, ["LOCAL_DIR", "is no directory"]);
    sandbox.set("LOCAL_DIR", "");
    sandbox.database(["hydrate"]).fails(3, ["LOCAL_DIR is not set"]);
}

#[test]
fn db_url_says_where() {
    let mut sandbox = project::deployed(ITEM);
    sandbox.ask("CREATE DATABASE other");
    let url = format!("host={} user=dev dbname=other", sandbox.path("pg").display());
    sandbox.set("DB_URL", url);
    sandbox.database(["hydrate"]).success();
    let there = "SELECT to_regclass('item') IS NOT NULL";
    assert_eq!(sandbox.ask_in("other", there), "t");
}

#[test]
fn database_dir_moves_sources_and_tests() {
    let mut sandbox = project::deployed("");
    sandbox.write("elsewhere/src/entrypoint.sql", "\\echo moved\n");
    sandbox.write("elsewhere/test/test.sql", "\\echo 1..1\n\\echo ok 1 - moved\n");
    sandbox.set("DATABASE_DIR", sandbox.path("elsewhere"));
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "moved\n");
    assert_eq!(sandbox.database(["test"]).success().stdout, "1..1\nok 1 - moved\n");
}

#[test]
fn database_source_and_hydrate_entrypoint_move_the_sources() {
    let mut sandbox = project::deployed("");
    sandbox.write("elsewhere/entrypoint.sql", "\\echo usual\n");
    sandbox.write("elsewhere/sub/main.sql", "\\echo renamed\n");
    sandbox.set("DATABASE_DIR", "/nonexistent");
    sandbox.set("DATABASE_SOURCE", sandbox.path("elsewhere"));
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "usual\n");
    sandbox.set("HYDRATE_ENTRYPOINT", "sub/main.sql");
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "renamed\n");
}

#[test]
fn paths_may_hold_blanks_quotes_and_umlauts() {
    let mut sandbox = project::deployed("");
    let odd = "o'd \"d\" \\ $HOME ä";
    sandbox.write(&format!("{odd}/entrypoint.sql"), "\\ir 'more x.sql'\n");
    sandbox.write(&format!("{odd}/more x.sql"), "\\echo odd\n");
    sandbox.write(&format!("{odd}/patch.sql"), "SELECT nonsense;\n");
    sandbox.set("DATABASE_SOURCE", sandbox.path(odd));
    sandbox.set("HYDRATE_LOG", sandbox.path(odd).join("out put.log"));
    sandbox.set("PATCH_SQL", sandbox.path(odd).join("patch.sql"));
    sandbox.database(["hydrate"]).success();
    assert_eq!(sandbox.read(&format!("{odd}/out put.log")), "odd\n");
    sandbox.database(["patch"]).fails(1, ["patch.sql:1:8"]);
}

#[test]
fn logs_receive_output_and_messages() {
    let mut sandbox = project::deployed("");
    let chatty = "\\echo result\nDO $$ BEGIN RAISE NOTICE 'note'; END $$;\n";
    sandbox.write("project/db/src/entrypoint.sql", chatty);
    sandbox.write("project/test-data.sql", chatty);
    let run = |sandbox: &Sandbox, verb: &str| sandbox.database([verb]).success();
    for verb in ["hydrate", "patch"] {
        assert_eq!(run(&sandbox, verb).stdout, "result\nDO\n", "standard output by default");
    }
    sandbox.set("PG_LOG_PATH", sandbox.path("logs"));
    for (verb, variable) in [("hydrate", "HYDRATE_LOG"), ("patch", "PATCH_LOG")] {
        let logged = run(&sandbox, verb);
        assert_eq!(logged.stdout, "", "{verb}");
        assert!(!logged.stderr.contains("NOTICE"), "{logged}");
        let log = sandbox.read(&format!("logs/{verb}.log"));
        assert!(log.contains("result\n") && log.contains("NOTICE:  note\n"), "{log}");
        sandbox.set(variable, sandbox.path("new/directory/own.log"));
        run(&sandbox, verb);
        run(&sandbox, verb);
        let log = sandbox.read("new/directory/own.log");
        assert_eq!(log.matches("result\n").count(), 2, "appended: {log}");
        std::fs::remove_file(sandbox.path("new/directory/own.log")).unwrap();
    }
}

#[test]
fn an_error_is_told_even_when_output_is_logged() {
    let mut sandbox = project::deployed("");
    sandbox.write("project/db/src/entrypoint.sql", "\\echo before\nSELECT nonsense;\n");
    sandbox.set("HYDRATE_LOG", sandbox.path("h.log"));
    sandbox.database(["hydrate"]).fails(1, ["42703", "entrypoint.sql:2:8"]);
    assert!(sandbox.read("h.log").contains("before\n"));
    sandbox.set("HYDRATE_LOG", sandbox.path("project"));
    sandbox.database(["hydrate"]).fails(1, ["cannot write", "project"]);
}

#[test]
fn the_first_dotenv_there_is_gives_the_secrets() {
    let mut sandbox = project::deployed("");
    sandbox.database(["hydrate"]).success();
    assert_eq!(secret(&sandbox, "A"), "(none)", "none is fine");
    sandbox.set("ENVIRONMENT", "staging");
    sandbox.database(["hydrate"]).success();
    sandbox.write("project/.env.staging", "A=default\n");
    sandbox.database(["hydrate"]).success();
    assert_eq!(secret(&sandbox, "A"), "default");
    sandbox.set("HECTIC_DOTENV_FILE", sandbox.write("my.env", "A=file\nB=too\n"));
    sandbox.database(["hydrate"]).success();
    assert_eq!((secret(&sandbox, "A"), secret(&sandbox, "B")), ("file".into(), "too".into()));
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=content");
    sandbox.database(["hydrate"]).success();
    assert_eq!((secret(&sandbox, "A"), secret(&sandbox, "B")), ("content".into(), "(none)".into()));
}

#[test]
fn secrets_are_there_when_the_sources_run() {
    let mut sandbox = project::deployed("");
    sandbox.write(
        "project/db/src/entrypoint.sql",
        "SELECT hectic.get_secret('A') AS a \\gset\n\\echo :a\n",
    );
    sandbox.set("HECTIC_DOTENV_CONTENT", "A=early");
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "early\n");
}

#[test]
fn a_dotenv_that_cannot_be_read_is_an_error() {
    let mut sandbox = project::deployed("");
    sandbox.set("HECTIC_DOTENV_FILE", sandbox.path("project"));
    sandbox.database(["hydrate"]).fails(3, ["not readable", "project"]);
    sandbox.set("HECTIC_DOTENV_FILE", sandbox.path("none.env"));
    sandbox.database(["hydrate"]).fails(3, ["none.env", "HECTIC_DOTENV_FILE"]);
}

#[test]
fn pg_url_var_names_one_more_variable() {
    let mut sandbox = project::with_source("");
    sandbox.set("PG_URL_VAR", "MY_URL");
    let exported = sandbox.database(["init", "--export", "sh"]).success().stdout;
    let value = |name: &str| {
        let mut words = exported.split_whitespace();
        let found = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} in {exported}")).to_owned()
    };
    assert_eq!(value("MY_URL"), value("PGURL"));
    let used = format!("{exported}\n\"$PG_BINDIR/psql\" -XAt -d \"$MY_URL\" -c 'SELECT 42'");
    assert_eq!(sandbox.run("sh", ["-c", &used]).success().stdout, "42\n");
    for bad in ["1X", "A-B", "A B", "x;rm"] {
        sandbox.set("PG_URL_VAR", bad);
        sandbox.database(["init"]).fails(2, ["PG_URL_VAR", bad]);
    }
}

#[test]
fn no_tty_leaves_the_server_running_without_anything_of_ours() {
    let mut sandbox = project::with_source("");
    for value in ["0", "1"] {
        sandbox.set("NO_TTY", value);
        // ends only when no process holds the pipe any more
        let piped = format!("{} init 2>&1 | cat", program("database"));
        let shown = sandbox.run("sh", ["-c", &piped]).success();
        assert!(shown.stdout.starts_with("PostgreSQL cluster"), "{shown}");
        assert_ne!(server::processes_below(&sandbox.path("pg")), Vec::<u32>::new());
    }
}

#[test]
fn the_patch_is_patch_sql_else_in_profile_dir_else_in_local_dir() {
    let mut sandbox = project::deployed("");
    sandbox.write("project/test-data.sql", "\\echo local\n");
    sandbox.write("profile/test-data.sql", "\\echo profile\n");
    sandbox.write("named.sql", "\\echo named\n");
    let patched = |sandbox: &Sandbox| sandbox.database(["patch"]).success().stdout;
    assert_eq!(patched(&sandbox), "local\n");
    sandbox.set("PROFILE_DIR", sandbox.path("profile"));
    assert_eq!(patched(&sandbox), "profile\n");
    sandbox.set("PATCH_SQL", sandbox.path("named.sql"));
    assert_eq!(patched(&sandbox), "named\n");
    sandbox.set("PATCH_SQL", sandbox.path("none.sql"));
    sandbox.database(["patch"]).fails(3, ["none.sql", "PATCH_SQL"]);
    assert!(!sandbox.path("none.sql").exists(), "only the default is created");
    sandbox.unset("PATCH_SQL");
    std::fs::remove_file(sandbox.path("profile/test-data.sql")).unwrap();
    assert_eq!(patched(&sandbox), "");
    assert_eq!(sandbox.read("profile/test-data.sql"), "");
}

#[test]
fn the_projects_dotenv_holds_settings_that_a_set_variable_beats() {
    let mut sandbox = project::deployed("");
    sandbox.write("project/sql/entrypoint.sql", "\\echo from the file\n");
    sandbox.write("other/entrypoint.sql", "\\echo from the environment\n");
    sandbox.write(
        "project/.env",
        "# settings\nDATABASE_SOURCE=sql\nSECRET='x y'\nexport PATCH_LOG=\"p.log\"\n",
    );
    sandbox.write("project/test-data.sql", "\\echo patched\n");
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "from the file\n");
    assert_eq!(sandbox.database(["patch"]).success().stdout, "");
    assert_eq!(sandbox.read("project/p.log"), "patched\n", "relative to the project");
    sandbox.set("DATABASE_SOURCE", sandbox.path("other"));
    assert_eq!(sandbox.database(["hydrate"]).success().stdout, "from the environment\n");
    sandbox.set("DATABASE_SOURCE", "");
    assert_eq!(secret(&sandbox, "SECRET"), "(none)", "settings are no secrets");
}

/// A cloned project must not run programs or reach other places merely because somebody enters its
/// shell.
#[test]
fn the_projects_dotenv_is_not_trusted_like_the_environment() {
    let mut sandbox = project::deployed("");
    let evil = sandbox.write("project/evil/postgres", "#!/bin/sh\n: > \"$0.ran\"\n");
    std::fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for line in [
        "PG_BINDIR=./evil",
        "PAGER=./evil/postgres",
        "EDITOR=./evil/postgres",
        "PG_OS_USER=daemon",
        "PG_CONF_FILE=postgresql.conf",
        "PG_SHARED_PRELOAD_LIBRARIES=./evil.so",
        "XDG_CACHE_HOME=cache",
        "PG_WORKING_DIR=../other",
        "HECTIC_SECRET_KEY_FILE=/etc/passwd",
        "PATCH_LOG=../out",
        "DB_URL=postgresql:///app?host=/run/postgresql",
        "STAGING_SSH_HOST=-oProxyCommand=evil",
    ] {
        let name = line.split('=').next().unwrap();
        let kept = sandbox.variable(name).map(ToOwned::to_owned);
        sandbox.unset(name);
        sandbox.write("project/.env", format!("{line}\n"));
        for verb in ["status", "doctor", "url"] {
            let refused = sandbox.database([verb]);
            refused.fails(2, [&*format!(".env sets {name}"), "set it yourself: export"]);
        }
        sandbox.run("postgres-init", [""; 0]).fails(2, [name]);
        if let Some(kept) = kept {
            sandbox.set(name, kept);
        }
    }
    sandbox.write("project/.env", "PG_BINDIR=./evil\n");
    sandbox.database(["status"]).success();
    assert!(!sandbox.path("project/evil/postgres.ran").exists());
}

#[test]
fn a_broken_projects_dotenv_is_told_without_its_content() {
    let sandbox = project::deployed("");
    sandbox.write("project/.env", "DATABASE_SOURCE=s3cr3t s3cr3t\n");
    let failed = sandbox.database(["hydrate"]).fails(1, ["project/.env"]);
    assert!(!failed.stderr.contains("s3cr3t"), "{failed}");
}

#[test]
fn settings_below_lines_of_other_programs_are_honoured() {
    let sandbox = project::deployed("");
    sandbox.write("project/sql/entrypoint.sql", "\\echo from the file\n");
    for before in
        ["", "GREETING=it's fine\n", "A='b'c\n", "export A\n", "A=\"\\d\"\n", "A='two\nlines'\n"]
    {
        for mark in ["", "\u{feff}"] {
            for end in ["\n", "\r\n"] {
                let text = format!("{mark}{before}DATABASE_SOURCE=sql\n").replace('\n', end);
                sandbox.write("project/.env", &text);
                let hydrated = sandbox.database(["hydrate"]).success();
                assert_eq!(hydrated.stdout, "from the file\n", "{text:?}");
            }
        }
    }
}

#[test]
fn a_setting_that_cannot_be_honoured_is_told_with_its_line() {
    let sandbox = project::deployed("");
    for (text, line) in [
        ("A=1\nDATABASE_SOURCE='s3cr3t\n", 2),
        ("A='s3cr3t\nDATABASE_SOURCE=sql\n# don't\n", 1),
        ("A=\"s3cr3t\nDATABASE_SOURCE=sql\n", 1),
        ("DATABASE_SOURCE: s3cr3t\n", 1),
        ("DATABASE_SOURCE=sql\nDATABASE_SOURCE=s3cr3t\n", 2),
        ("\n\u{feff}DATABASE_SOURCE=s3cr3t\n", 2),
        ("A=\0\nDATABASE_SOURCE=s3cr3t\n", 1),
    ] {
        sandbox.write("project/.env", text);
        let line = format!("dotenv line {line}: ");
        let failed = sandbox.database(["hydrate"]).fails(1, ["project/.env", line.as_str()]);
        assert!(!failed.stderr.contains("s3cr3t"), "{failed}");
    }
}

#[test]
fn help_lists_every_variable_of_the_contract() {
    let help = Sandbox::new().database(["--help"]).success().stdout;
    for name in [
        "LOCAL_DIR",
        "DB_URL",
        "PG_WORKING_DIR",
        "DATABASE_DIR",
        "MIGRATION_DIR",
        "DATABASE_SOURCE",
        "PG_URL_VAR",
        "PG_LOG_PATH",
        "PG_CONF_FILE",
        "PG_SHARED_PRELOAD_LIBRARIES",
        "PG_DISABLE_LOGGING",
        "HECTIC_DOTENV_FILE",
        "PATCH_LOG",
        "HYDRATE_LOG",
        "NO_TTY",
    ] {
        assert!(help.contains(&format!("\n  {name} [default: ")), "{name}");
    }
}
