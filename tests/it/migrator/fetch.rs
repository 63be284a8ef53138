//! `migrator fetch`: restores the directory from the SQL in the history.

use std::path::Path;

use super::support::{Ground, name, table};

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

fn project() -> Ground {
    let ground = Ground::with_tables(1);
    ground.write("migration/V000003__Make_a.sql", table("a"));
    ground.write("migration/U000003__Make_a.sql", "DROP TABLE a;\r\n");
    ground.write(&format!("migration/{}/up/entrypoint.sql", name(2)), "\\ir parts/b.sql\n");
    ground.write(&format!("migration/{}/up/parts/b.sql", name(2)), format!("-- ö\n{}", table("b")));
    ground.write(&format!("migration/{}/up.sql", name(3)), "SELECT 'no way back';\n");
    ground.up_all();
    ground
}

#[test]
fn everything_comes_back_as_it_was() {
    let ground = project();
    let before = tree(&ground.path("migration"));
    assert_eq!(before.len(), 7, "{before:?}");
    std::fs::remove_dir_all(ground.path("migration")).unwrap();
    let planned = ground.migrator(["fetch", "--dry-run"]).success();
    assert_eq!(planned.stdout.lines().count(), 7, "{planned}");
    assert!(!ground.path("migration").exists());
    let fetched = ground.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("7 files written"), "{fetched}");
    assert_eq!(tree(&ground.path("migration")), before);
    ground.migrator(["validate"]).success();
    ground.up_all();
    let again = ground.migrator(["fetch", "--json"]).success().stdout;
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["unchanged"], 7);
    assert_eq!(again["written"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_missing_is_written_and_nothing_is_overwritten() {
    let ground = project();
    let file = format!("migration/{}/up/parts/b.sql", name(2));
    std::fs::remove_file(ground.path(&file)).unwrap();
    let fetched = ground.migrator(["fetch"]).success().stdout;
    assert_eq!(fetched.trim_end(), ground.path(&file).display().to_string());
    std::fs::remove_file(ground.path(&file)).unwrap();
    ground.write(&format!("migration/{}/up.sql", name(1)), "mine");
    let refused = format!("{}/up.sql", name(1));
    ground.migrator(["fetch"]).fails(2, [&refused, "another text", "nothing was written"]);
    assert!(!ground.path(&file).exists());
    ground.migrator(["-d", "fresh", "fetch"]).success();
    assert_eq!(tree(&ground.path("fresh")).len(), 7);
}

#[test]
fn what_lies_outside_of_the_directory_is_not_written() {
    let ground = Ground::with_tables(1);
    ground.write("common.sql", table("c"));
    ground.up(2, "\\i common.sql\n");
    ground.up_all();
    std::fs::remove_dir_all(ground.path("migration")).unwrap();
    let fetched = ground.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("4 files written, 1 exist already"), "{fetched}");
    std::fs::remove_dir_all(ground.path("migration")).unwrap();
    std::fs::remove_file(ground.path("common.sql")).unwrap();
    ground.migrator(["fetch"]).fails(2, ["common.sql lies outside"]);
    assert!(!ground.path("common.sql").exists() && !ground.path("migration").exists());
}

#[test]
fn an_empty_history_has_nothing_to_fetch() {
    let ground = Ground::new();
    let fetched = ground.migrator(["fetch"]).success();
    assert!(fetched.stderr.contains("0 files written"), "{fetched}");
    assert_eq!(fetched.stdout, "");
}
