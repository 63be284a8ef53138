//! Where a project can be made, and where it cannot.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::nowhere;
use crate::support::{Sandbox, is_root};

const FILES: [&str; 4] = [".envrc", ".gitignore", "database.toml", "db"];

#[test]
fn any_name_of_a_directory_will_do() {
    let mut sandbox = nowhere();
    for directory in ["a b/", "größe", "deep/er/down", "-dash", "it's", "日本", "postgres"] {
        sandbox.database(["new", "--", directory]).success();
        assert_eq!(sandbox.entries(&format!("work/{directory}")), FILES, "{directory}");
        sandbox.go(&format!("work/{directory}"));
        sandbox.database(["check"]).success();
        sandbox.go("work");
    }
    std::fs::create_dir(sandbox.path("work/here")).unwrap();
    sandbox.go("work/here");
    sandbox.database(["new"]).success();
    assert_eq!(sandbox.entries("work/here"), FILES);
    assert!(sandbox.read("work/here/database.toml").contains("//here@localhost/here?"));
}

#[test]
fn files_of_the_user_stay() {
    let sandbox = nowhere();
    sandbox.write("work/shop/README.md", "mine");
    sandbox.write("work/shop/db/src/other.sql", "mine");
    sandbox.write("work/shop/.gitignore", "node_modules\n/focus/\n/.env");
    let made = sandbox.database(["new", "shop"]).success();
    for line in ["add to it:", "  /.direnv/\n", "  /.env.*\n"] {
        assert!(made.stderr.contains(line), "{line}\n{made}");
    }
    assert!(!made.stderr.contains("  /focus/"), "{made}");
    assert_eq!(sandbox.read("work/shop/.gitignore"), "node_modules\n/focus/\n/.env");
    assert_eq!(sandbox.read("work/shop/db/src/other.sql"), "mine");
    assert_eq!(sandbox.entries("work/shop/db/src"), ["entrypoint.sql", "other.sql"]);
}

#[test]
fn files_in_the_way_are_all_named_and_nothing_is_written() {
    let sandbox = nowhere();
    sandbox.write("work/shop/database.toml", "");
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/shop/flake.nix")).unwrap();
    sandbox.write("work/shop/db/test", "a file");
    std::fs::create_dir(sandbox.path("work/shop/.gitignore")).unwrap();
    let files = ["  .gitignore\n  database.toml\n  db/test\n  flake.nix\n", "written nothing"];
    sandbox.database(["new", "--nix", "shop"]).fails(2, files);
    assert_eq!(sandbox.entries("work/shop"), [".gitignore", "database.toml", "db", "flake.nix"]);
    assert_eq!(sandbox.read("work/shop/db/test"), "a file");
    assert_eq!(sandbox.read("work/shop/database.toml"), "");
    sandbox.database(["new", "shop"]).fails(2, ["these files exist already"]);
}

#[test]
fn a_place_that_cannot_hold_a_project_is_refused() {
    let mut sandbox = nowhere();
    sandbox.write("work/file", "mine");
    for place in ["file", "file/below"] {
        sandbox.database(["new", place]).fails(2, ["is not a directory"]);
    }
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/link")).unwrap();
    sandbox.database(["new", "link"]).fails(2, ["is not a directory"]);
    sandbox.set("HOME", sandbox.path("work"));
    sandbox.database(["new"]).fails(2, ["is your home directory"]);
    sandbox.database(["new", "../work/"]).fails(2, ["is your home directory"]);
    assert_eq!(sandbox.entries("work"), ["file", "link"]);
    assert_eq!(sandbox.read("work/file"), "mine");
}

#[test]
fn an_unwritable_place_is_told() {
    let mut sandbox = nowhere();
    if is_root() {
        sandbox.act_as("nobody");
    }
    std::fs::create_dir(sandbox.path("work/shut")).unwrap();
    std::fs::set_permissions(sandbox.path("work/shut"), PermissionsExt::from_mode(0o555)).unwrap();
    let hint = "a directory in which you may write";
    sandbox.database(["new", "shut"]).fails(1, ["Permission denied", hint]);
    sandbox.database(["new", "shut/a/b"]).fails(1, ["Permission denied", hint]);
    assert!(sandbox.entries("work/shut").is_empty());
}

#[test]
fn an_ordinary_user_makes_a_project() {
    if !is_root() {
        return;
    }
    let mut sandbox = nowhere();
    sandbox.act_as("nobody");
    sandbox.database(["new", "shop"]).success();
    sandbox.go("work/shop");
    sandbox.database(["check"]).success();
    // root works for the owner of the directory
    let mine = sandbox.path("work").metadata().unwrap().uid();
    let mut root = Sandbox::new();
    root.set("HOME", sandbox.path("home"));
    let there = sandbox.path("work/other");
    root.database(["new", there.to_str().unwrap()]).success();
    assert_eq!(there.join("db/src/entrypoint.sql").metadata().unwrap().uid(), mine);
}

#[test]
fn a_project_below_another_is_told() {
    let mut sandbox = nowhere();
    sandbox.database(["new", "outer"]).success();
    let made = sandbox.database(["new", "outer/a/inner"]).success();
    let outer = format!("below another one, {}", sandbox.path("work/outer").display());
    assert!(made.stderr.contains(&outer), "{made}");
    sandbox.go("work/outer/a/inner/db");
    let shown = sandbox.database(["config"]).success().stdout;
    assert!(shown.contains("inner@localhost/inner"), "{shown}");
}

#[test]
fn variables_that_lead_elsewhere_are_told() {
    let mut sandbox = nowhere();
    sandbox.set("LOCAL_DIR", sandbox.path("other"));
    sandbox.set("DB_URL", "postgresql://a@localhost/b");
    let made = sandbox.database(["new", "shop"]).success();
    assert!(made.stderr.contains("unset LOCAL_DIR DB_URL\n"), "{made}");
}
