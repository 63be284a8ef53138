//! `migrator fetch`: restores the directory from the SQL in the history.

use std::path::Path;

use crate::support::migrator::{MigratorProject, name, table};

/// Every file below a directory with its text.
fn tree(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn project() -> MigratorProject {
    let project = MigratorProject::with_tables(1);
    project.write("migration/V000003__Make_a.sql", table("a"));
    project.write("migration/U000003__Make_a.sql", "DROP TABLE a;\r\n");
    project.write(&format!("migration/{}/up/entrypoint.sql", name(2)), "\\ir parts/b.sql\n");
    project
        .write(&format!("migration/{}/up/parts/b.sql", name(2)), format!("-- ö\n{}", table("b")));
    project.write(&format!("migration/{}/up.sql", name(3)), "SELECT 'no way back';\n");
    project.up_all();
    project
}

#[test]
fn everything_comes_back_as_it_was() {
    let project = project();
    let before = tree(&project.path("migration"));
    assert_eq!(before.len(), 7, "{before:?}");
    std::fs::remove_dir_all(project.path("migration")).unwrap();
    let planned = project.migrator(["fetch", "--dry-run"]).success();
    assert_eq!(planned.stdout.lines().count(), 7, "{planned}");
    assert!(!project.path("migration").exists());
    let fetched = project.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("7 files written"), "{fetched}");
    assert_eq!(tree(&project.path("migration")), before);
    project.migrator(["validate"]).success();
    project.up_all();
    let again = project.migrator(["fetch", "--json"]).success().stdout;
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["unchanged"], 7);
    assert_eq!(again["written"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_missing_is_written_and_nothing_is_overwritten() {
    let project = project();
    let file = format!("migration/{}/up/parts/b.sql", name(2));
    std::fs::remove_file(project.path(&file)).unwrap();
    let fetched = project.migrator(["fetch"]).success().stdout;
    assert_eq!(fetched.trim_end(), project.path(&file).display().to_string());
    std::fs::remove_file(project.path(&file)).unwrap();
    project.write(&format!("migration/{}/up.sql", name(1)), "mine");
    let refused = format!("{}/up.sql", name(1));
    project.migrator(["fetch"]).fails(2, [&refused, "another text", "nothing was written"]);
    assert!(!project.path(&file).exists());
    project.migrator(["-d", "fresh", "fetch"]).success();
    assert_eq!(tree(&project.path("fresh")).len(), 7);
}

#[test]
fn what_lies_outside_of_the_directory_is_not_written() {
    let project = MigratorProject::with_tables(1);
    project.write("common.sql", table("c"));
    project.write_up(2, "\\i common.sql\n");
    project.up_all();
    std::fs::remove_dir_all(project.path("migration")).unwrap();
    let fetched = project.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("4 files written, 1 exist already"), "{fetched}");
    std::fs::remove_dir_all(project.path("migration")).unwrap();
    std::fs::remove_file(project.path("common.sql")).unwrap();
    project.migrator(["fetch"]).fails(2, ["common.sql lies outside"]);
    assert!(!project.path("common.sql").exists() && !project.path("migration").exists());
}

#[test]
fn an_empty_history_has_nothing_to_fetch() {
    let project = MigratorProject::new();
    let fetched = project.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("0 files written"), "{fetched}");
    assert_eq!(fetched.stdout, "");
}
