//! The changes that start a run, and those that do not.

use std::fs::{create_dir, remove_dir_all, remove_file, rename};

use super::{Watching, runs};
use crate::support::project::with_own_cache;
use crate::support::trace::nothing_left;

const ENTRY: &str = "project/db/src/entrypoint.sql";

#[test]
fn a_save_shows_the_error_with_its_place_and_the_next_one_mends_it() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, []);
    sandbox.write(ENTRY, "SELECT 1;\nSELECT nope;\n");
    let said = watching.fails();
    assert!(said.contains("] check: db/src/entrypoint.sql changed\n"), "{said}");
    assert!(said.contains("entrypoint.sql:2:8\n"), "{said}");
    assert!(said.contains("2 | SELECT nope;\n    |        ^\n"), "{said}");
    sandbox.write(ENTRY, "SELECT 1;\n");
    watching.passes();
    watching.end("INT");
    nothing_left(&sandbox);
}

/// vim and many others write a new file beside the old one, with swap and backup files.
#[test]
fn a_file_that_is_replaced_counts_and_the_files_of_the_editor_do_not() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, []);
    for passing in ["4913", ".entrypoint.sql.swp", ".#entrypoint.sql", "#entrypoint.sql#"] {
        remove_file(sandbox.write(&format!("project/db/src/{passing}"), "x")).unwrap();
    }
    rename(sandbox.path(ENTRY), sandbox.path("project/db/src/entrypoint.sql~")).unwrap();
    let beside = sandbox.write("project/db/src/.new", "SELECT nope;\n");
    rename(beside, sandbox.path(ENTRY)).unwrap();
    let said = watching.fails();
    assert!(said.contains("] check: db/src/entrypoint.sql changed\n"), "no other file: {said}");
    watching.end("INT");
}

#[test]
fn the_files_of_db_tool_and_of_other_programs_do_not_count() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.set("PG_WORKING_DIR", sandbox.path("project/db/cluster"));
    sandbox.set("PG_LOG_PATH", sandbox.path("project/db/log"));
    for directory in ["cluster", "log", "migration/1-a", ".git", "test"] {
        sandbox.write(&format!("project/db/{directory}/old"), "");
    }
    let mut watching = Watching::start(&sandbox, []);
    for file in
        ["cluster/PG", "log/hydrate.log", "migration/1-a/up.sql", ".git/index", "test/a.sql"]
    {
        sandbox.write(&format!("project/db/{file}"), "SELECT 1;\n");
    }
    sandbox.write("project/README.md", "");
    sandbox.write(ENTRY, "SELECT nope;\n");
    let said = watching.fails();
    assert!(said.contains("] check: db/src/entrypoint.sql changed\n"), "no other file: {said}");
    watching.end("INT");
}

#[test]
fn fifty_saves_at_once_are_one_change() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, []);
    for number in 1..=50 {
        sandbox.write(ENTRY, format!("SELECT nope{number};\n"));
    }
    let said = watching.until("SELECT nope50;\n");
    assert!(runs(&said) < 5, "{said}");
    watching.end("INT");
}

#[test]
fn an_included_file_outside_of_the_project_counts() {
    let sandbox = with_own_cache("\\ir ../../../shared/a.sql\n");
    sandbox.write("shared/a.sql", "SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, []);
    sandbox.write("shared/other.sql", "");
    sandbox.write("shared/a.sql", "SELECT nope;\n");
    let said = watching.fails();
    assert!(said.contains("shared/a.sql changed\n"), "no other file: {said}");
    sandbox.write(ENTRY, "\\ir ../../../shared/b.sql\n");
    watching.fails();
    sandbox.write("shared/b.sql", "SELECT 1;\n");
    watching.passes();
    watching.end("INT");
}

#[test]
fn new_and_deleted_files_and_directories_count() {
    let sandbox = with_own_cache("\\ir deep/new.sql\n");
    let mut watching = Watching::begin(&sandbox, []);
    watching.fails();
    create_dir(sandbox.path("project/db/src/deep")).unwrap();
    watching.fails();
    sandbox.write("project/db/src/deep/new.sql", "SELECT 1;\n");
    watching.passes();
    remove_file(sandbox.path("project/db/src/deep/new.sql")).unwrap();
    watching.fails();
    watching.end("INT");
    nothing_left(&sandbox);
}

/// As a checkout of another branch does.
#[test]
fn a_directory_that_is_removed_and_made_again_counts() {
    let sandbox = with_own_cache("SELECT 1;\n");
    let mut watching = Watching::start(&sandbox, []);
    for _ in 0..2 {
        remove_dir_all(sandbox.path("project/db")).unwrap();
        watching.until("exit code 3 after");
        sandbox.write(ENTRY, "SELECT 1;\n");
        watching.passes();
        rename(sandbox.path("project/db"), sandbox.path("project/aside")).unwrap();
        watching.until("exit code 3 after");
        rename(sandbox.path("project/aside"), sandbox.path("project/db")).unwrap();
        watching.passes();
    }
    watching.end("INT");
}

#[test]
fn settings_and_secrets_count_and_are_read_again() {
    let mut sandbox = with_own_cache("SELECT 1;\n");
    sandbox.write("project/database.toml", "");
    sandbox.write("project/db/src/other.sql", "SELECT other;\n");
    sandbox.set("ENVIRONMENT", "development");
    let mut watching = Watching::start(&sandbox, []);
    sandbox.write("project/database.toml", "entrypoint = \"other.sql\"\n");
    assert!(watching.fails().contains("SELECT other;"));
    sandbox.write("project/database.toml", "no setting\n");
    watching.until("check failed with exit code ");
    sandbox.write("project/database.toml", "");
    watching.passes();
    sandbox.write("project/.env.development", "A='\n");
    assert!(watching.fails().contains("dotenv line 1"));
    watching.end("INT");
}

#[test]
fn a_reached_limit_is_an_error_that_says_how_to_raise_it() {
    let sandbox = with_own_cache("SELECT 1;\n");
    for (limit, name) in [("watches", "max_user_watches"), ("instances", "max_user_instances")] {
        let script = format!("echo 0 > /proc/sys/user/max_inotify_{limit}; exec \"$@\"");
        let program = crate::support::program("database");
        let words = ["-Ur", "sh", "-c", script.as_str(), "sh", program.as_str(), "watch"];
        let outcome = sandbox.run("unshare", words);
        outcome.fails(
            1,
            [&format!("the limit fs.inotify.{name} "), &format!("sysctl fs.inotify.{name}=")],
        );
    }
    nothing_left(&sandbox);
}
