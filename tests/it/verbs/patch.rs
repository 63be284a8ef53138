//! `database patch`: SQL after hydration, usually test data.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Sandbox, assert_golden, project};

const ITEM: &str = "CREATE TABLE item (id int PRIMARY KEY) INHERITS (hectic.created_at);";

#[test]
fn the_default_file_runs() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/test-data.sql", "INSERT INTO item (id) VALUES (1), (2);\n");
    let patched = sandbox.database(["patch"]).success();
    assert_eq!(patched.stdout, "INSERT 0 2\n");
    assert!(patched.stderr.starts_with("patched: "), "{patched}");
    assert_eq!(sandbox.ask("SELECT count(*) FROM item"), "2");
}

#[test]
fn a_missing_default_file_is_created_empty() {
    let sandbox = project::deployed(ITEM);
    sandbox.database(["patch"]).success();
    assert_eq!(sandbox.read("project/test-data.sql"), "");
}

#[test]
fn a_failing_statement_is_shown() {
    let sandbox = project::deployed(ITEM);
    sandbox.write(
        "project/test-data.sql",
        "INSERT INTO item (id) VALUES (1);\nINSERT INTO item (id)\nVALUES ('zwölf');\nSELECT 1;\n",
    );
    let failed = sandbox.database(["patch"]).fails(1, []);
    assert_golden("patch-failed.txt", &failed.block(&sandbox));
}

#[test]
fn relative_paths_start_at_the_project() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/more/rows.sql", "INSERT INTO item (id) VALUES (5);\n");
    sandbox.write("project/test-data.sql", "\\i more/rows.sql\n\\ir more/rows.sql\n");
    sandbox.database(["patch"]).fails(1, ["item_pkey", "project/more/rows.sql:1"]);
    assert_eq!(sandbox.ask("SELECT id FROM item"), "5", "statements commit one by one");
}

#[test]
fn inherits_is_checked() {
    let sandbox = project::deployed(ITEM);
    sandbox.write("project/test-data.sql", "INSERT INTO item (id) VALUES (1);\n");
    sandbox.database(["patch", "-i", "absent"]).fails(5, ["absent"]);
    let noted = sandbox.database(["patch", "-i", "item"]).success();
    assert!(noted.stderr.contains("deprecated"), "{noted}");
}

/// An editor that writes its name and arguments down.
fn editor(sandbox: &Sandbox, name: &str) -> String {
    let seen = sandbox.path("seen").display().to_string();
    let script = format!("#!/bin/sh\nprintf '%s\\n' {name} \"$@\" > '{seen}'\n");
    let path = sandbox.write(&format!("bin/{name}"), script);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn edit_opens_the_editor_and_runs_nothing() {
    for flag in ["-e", "--edit"] {
        let mut sandbox = project::with_source("");
        sandbox.set("EDITOR", format!("{} --wait", editor(&sandbox, "mine")));
        sandbox.database(["patch", flag]).success();
        let file = sandbox.path("project/test-data.sql").display().to_string();
        assert_eq!(sandbox.read("seen"), format!("mine\n--wait\n{file}\n"));
        assert_eq!(sandbox.read("project/test-data.sql"), "", "created for the editor");
    }
}

#[test]
fn visual_beats_editor_and_vi_is_the_default() {
    let mut sandbox = project::with_source("");
    let bin = sandbox.path("bin").display().to_string();
    editor(&sandbox, "vi");
    sandbox.set("PATH", format!("{bin}:/usr/bin:/bin"));
    sandbox.database(["patch", "-e"]).success();
    assert!(sandbox.read("seen").starts_with("vi\n"));
    sandbox.set("EDITOR", editor(&sandbox, "second"));
    sandbox.set("VISUAL", editor(&sandbox, "first"));
    sandbox.database(["patch", "-e"]).success();
    assert!(sandbox.read("seen").starts_with("first\n"));
}

#[test]
fn the_editors_failure_is_ours() {
    let mut sandbox = project::with_source("");
    sandbox.set("EDITOR", "exit 7; :");
    assert_eq!(sandbox.database(["patch", "-e"]).code, Some(7));
    sandbox.set("EDITOR", "no-such-editor");
    assert_eq!(sandbox.database(["patch", "-e"]).code, Some(127));
}

#[test]
fn without_a_project_it_says_so() {
    let mut sandbox = project::with_source("");
    sandbox.unset("LOCAL_DIR");
    sandbox.database(["patch"]).fails(3, ["LOCAL_DIR"]);
    sandbox.database(["patch", "-e"]).fails(3, ["LOCAL_DIR"]);
}
