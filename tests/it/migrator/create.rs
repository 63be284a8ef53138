//! `migrator new` and `migrator create`: the files that they make, and those that they do not
//! overwrite.

use crate::support::migrator::MigratorProject;

fn created(project: &MigratorProject, arguments: &[&str]) -> String {
    let words = [&["create"], arguments].concat();
    project.run("migrator", words).success().stdout.trim_end().to_owned()
}

#[test]
fn a_new_migration_is_seen_by_list_and_migrate() {
    let project = MigratorProject::new();
    let path = created(&project, &["add users"]);
    assert!(path.ends_with("-add users"), "{path}");
    for file in ["up.sql", "down.sql"] {
        assert!(std::path::Path::new(&path).join(file).is_file(), "{file}");
    }
    let name = project.migrator(["list", "--raw"]).success().stdout;
    assert!(path.ends_with(name.trim_end()), "{name}");
    project.up_all();
    project.migrator(["migrate", "down"]).success();
}

#[test]
fn a_migration_without_a_name_gets_one() {
    let project = MigratorProject::offline();
    let paths = [created(&project, &[]), created(&project, &[])];
    let words = paths.map(|path| path.rsplit_once('-').unwrap().1.to_owned());
    for word in &words {
        assert!(word.len() == 6 && word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
    }
    assert_eq!(project.migrator(["list"]).success().stdout.lines().count(), 2);
    project.migrator(["create", "--name", ""]).fails(2, ["is empty"]);
}

#[test]
fn the_flat_layout_is_kept_and_counts_on() {
    let project = MigratorProject::new();
    project.write("migration/V000007__First.sql", "SELECT 1;");
    let path = created(&project, &["--name", "add users"]);
    assert!(path.ends_with("/V000008__add_users.sql"), "{path}");
    assert_eq!(
        project.entries("migration"),
        ["U000008__add_users.sql", "V000007__First.sql", "V000008__add_users.sql"]
    );
    project.up_all();
    assert_eq!(project.states(), "7 Migrated, 8 Migrated");
}

#[test]
fn the_configuration_decides_on_the_layout_and_v_on_the_version() {
    let project = MigratorProject::offline();
    project.write("flat.toml", "layout = 'flat'\n");
    let flat = ["-c", "flat.toml", "one"];
    assert!(created(&project, &flat).ends_with("/V000001__one.sql"));
    let chosen = created(&project, &["-v", "41", "two"]);
    assert!(chosen.ends_with("/V000041__two.sql"), "{chosen}");
    let before = project.migrator(["-v", "50", "create", "three"]).success().stdout;
    assert!(before.ends_with("/V000050__three.sql\n"), "{before}");
    let there = project.entries("migration");
    project.migrator(["create", "-v", "41", "again"]).fails(2, ["41", "V000041__two"]);
    for bad in ["0", "-3", "x", "1.5"] {
        project.migrator(["create", &format!("-v{bad}"), "bad"]).fails(2, ["version"]);
    }
    assert_eq!(project.entries("migration"), there);
}

#[test]
fn a_version_that_nobody_would_read_is_refused() {
    let project = MigratorProject::offline();
    project.migrator(["create", "-v", "123456789012345", "long"]).fails(2, ["14 digits"]);
    let there: Vec<String> = project.entries("migration");
    assert!(there.is_empty(), "{there:?}");
    project.write(&format!("migration/V{}__last.sql", i64::MAX), "");
    project.migrator(["create", "next"]).fails(2, ["no version after", "-v VERSION"]);
    project.migrator(["create", "-v", "123456789012345", "flat"]).success();
    assert_eq!(project.migrator(["list", "--raw"]).success().stdout.lines().count(), 2);
}

#[test]
fn those_of_one_second_have_versions_of_their_own() {
    let project = MigratorProject::offline();
    let children: Vec<_> =
        (0..8).map(|_| project.spawn("migrator", ["create", "same name"])).collect();
    let mut paths: Vec<String> = children
        .into_iter()
        .map(|child| crate::support::finish(child, None).success().stdout)
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 8, "{paths:?}");
    let listed = project.migrator(["list", "--raw"]).success().stdout;
    assert_eq!(listed.lines().count(), 8, "{listed}");
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let project = MigratorProject::offline();
    project.write("migration/U000001__one.sql", "precious");
    project.write("flat.toml", "layout = 'flat'\n");
    project.migrator(["-c", "flat.toml", "create", "one"]).fails(1, ["U000001__one.sql"]);
    assert_eq!(project.read("migration/U000001__one.sql"), "precious");
    assert_eq!(project.entries("migration"), ["U000001__one.sql"]);
    project.migrator(["create", "-v", "5", "dir"]).success();
    let dir = "migration/00000000000005-dir";
    project.write(&format!("{dir}/up.sql"), "precious");
    project.migrator(["create", "-v", "5", "dir"]).fails(2, ["00000000000005-dir"]);
    assert_eq!(project.read(&format!("{dir}/up.sql")), "precious");
}

#[test]
fn a_name_that_is_no_file_name_is_refused() {
    let project = MigratorProject::offline();
    for bad in ["", " ", "a/b", "../x", "a\nb", " a", "a\\b", &"x".repeat(201)] {
        project.migrator(["create", "--name", bad]).fails(2, ["hint:"]);
    }
    project.migrator(["create", "a", "--name", "b"]).fails(2, ["--name"]);
    assert!(!project.path("migration").exists());
}

#[test]
fn create_tells_in_json_and_as_a_dry_run() {
    let project = MigratorProject::offline();
    let planned = project.migrator(["create", "it", "--dry-run"]).success().stdout;
    assert!(planned.trim_end().ends_with("-it"), "{planned}");
    assert!(!project.path("migration").exists());
    let made = project.migrator(["create", "it", "--json"]).success().stdout;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert!(std::path::Path::new(made["path"].as_str().unwrap()).is_dir());
}

#[test]
fn a_new_project_works_at_once() {
    let mut project = MigratorProject::new();
    project.migrator(["new", "there", "--dry-run"]).success();
    assert!(!project.path("there").exists());
    project.migrator(["new", "there"]).success();
    assert_eq!(project.entries("there"), ["README.md", "migration", "migrator.toml"]);
    project.migrator(["new", "there"]).fails(2, ["there", "is not empty"]);
    std::fs::create_dir(project.path("blank")).unwrap();
    project.migrator(["new", "blank"]).success();
    let file = project.path("there/migrator.toml").display().to_string();
    let url = project.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    project.unset("DB_URL");
    let text = project.read("there/migrator.toml") + &format!("db_url = \"{url}\"\n");
    project.write("there/migrator.toml", text);
    let path = project.migrator(["-c", &file, "create", "first"]).success().stdout;
    assert!(path.starts_with(project.path("there/migration/").to_str().unwrap()), "{path}");
    project.migrator(["-c", &file, "apply"]).success();
    let info = project.migrator(["-c", &file, "info"]).success().stdout;
    assert!(info.contains("Migrated"), "{info}");
}
