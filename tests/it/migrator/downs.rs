//! Downs that changed after their ups were applied: the file on disk runs, and the user learns of it.

use crate::support::migrator::{MigratorProject, name, table};

const CHANGED: &str = "was changed after the up was applied";

fn down(number: u32) -> String {
    format!("migration/{}/down.sql", name(number))
}

#[test]
fn a_changed_down_is_reported_and_runs_as_it_is_now() {
    let project = MigratorProject::applied(2);
    project.write(&down(2), "DROP TABLE t2, other;\n");
    project.ask(table("other").trim_end());
    let valid = project.migrator(["validate"]).success();
    assert!(valid.stdout.contains(CHANGED) && valid.stdout.contains(&down(2)), "{valid}");
    let findings = project.migrator(["validate", "--json"]).success().stdout;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    assert_eq!((&findings[0]["name"], &findings[0]["warning"]), (&name(2).into(), &true.into()));
    // a changed down stops no up
    project.write_table(3);
    let up = project.up_all();
    assert!(!up.stderr.contains(CHANGED), "{up}");
    for words in [&["migrate", "down", "2", "--dry-run"][..], &["migrate", "down", "2"]] {
        let moved = project.run("migrator", words).success();
        assert_eq!(moved.stderr.matches(CHANGED).count(), 1, "{moved}");
    }
    assert_eq!(project.tables(), "t1");
    // the next up keeps the new one
    project.up_all();
    let valid = project.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
}

#[test]
fn remarks_and_line_ends_of_a_down_do_not_count() {
    let project = MigratorProject::applied(1);
    project.write(&down(1), "-- back\r\nDROP TABLE t1;\r\n");
    let valid = project.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
    let moved = project.migrator(["migrate", "down"]).success();
    assert!(!moved.stderr.contains(CHANGED), "{moved}");
}

#[test]
fn an_included_file_of_a_down_counts_and_repair_accepts_it() {
    let project = MigratorProject::new();
    let at = |file: &str| format!("migration/{}/{file}", name(1));
    project.write(&at("up/entrypoint.sql"), table("t1"));
    project.write(&at("down/entrypoint.sql"), "\\ir parts/drop.sql\n");
    project.write(&at("down/parts/drop.sql"), "DROP TABLE t1;\n");
    project.up_all();
    let valid = project.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
    project.write(&at("down/parts/drop.sql"), "DROP TABLE t1 CASCADE;\n");
    let valid = project.migrator(["validate"]).success();
    assert!(valid.stdout.contains(CHANGED), "{valid}");
    project.migrator(["repair", "--yes"]).success();
    let valid = project.migrator(["validate"]).success();
    assert_eq!(valid.stdout, "", "{valid}");
    let moved = project.migrator(["migrate", "redo"]).success();
    assert!(!moved.stderr.contains(CHANGED), "{moved}");
}
