//! `database migrator`: the same program in a project's environment.

use crate::support::migrator::{MigratorProject, name, table};

/// A project in `project` with a running cluster, and nothing but `LOCAL_DIR` set.
fn project() -> MigratorProject {
    let mut project = MigratorProject::new();
    let url = project.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    project.unset("DB_URL");
    project.write("project/.env", format!("DB_URL={url}\n"));
    let local = project.path("project");
    project.set("LOCAL_DIR", local);
    project
}

fn migration(project: &MigratorProject, directory: &str, number: u32) {
    let t = format!("t{number}");
    project.write(&format!("{directory}/{}/up.sql", name(number)), table(&t));
    project.write(&format!("{directory}/{}/down.sql", name(number)), format!("DROP TABLE {t};"));
}

#[test]
fn the_projects_env_says_where_everything_is() {
    let project = project();
    migration(&project, "project/db/migration", 1);
    project.database(["migrator", "migrate", "up", "all"]).success();
    assert_eq!(project.tables(), "t1");
    let env = project.read("project/.env");
    migration(&project, "project/elsewhere", 2);
    project.write("project/.env", format!("{env}MIGRATION_DIR=elsewhere\n"));
    let listed = project.database(["migrator", "list", "--raw"]).success();
    assert_eq!(listed.stdout.trim_end(), name(2));
    // migrator alone reads it too
    assert_eq!(project.migrator(["list", "--raw"]).success().stdout, listed.stdout);
}

#[test]
fn database_dir_holds_the_migrations_and_i_starts_at_the_projects_root() {
    let mut project = project();
    project.set("DATABASE_DIR", "project/base");
    project.write(&format!("project/base/migration/{}/up.sql", name(1)), "\\i shared/a.sql\n");
    project.write("project/shared/a.sql", table("a"));
    project.database(["migrator", "apply"]).success();
    assert_eq!(project.tables(), "a");
}

#[test]
fn options_of_database_go_over_to_the_migrator() {
    let mut project = project();
    migration(&project, "project/db/migration", 1);
    let socket = project.path("pg").display().to_string();
    let url = format!("host={socket} user=dev dbname=app");
    project.write("project/.env", "DB_URL=host=$LOCAL_DIR/nowhere\n");
    project.database(["migrator", "info"]).fails(1, ["/nowhere"]);
    let quiet = project.database(["-q", "--url", &url, "migrator", "migrate", "up"]).success();
    assert_eq!(quiet.stderr, "");
    project.database(["migrator", "-u", &url, "migrate", "down"]).success();
    project.set("DB_URL", url);
    project.database(["migrator", "migrate", "redo"]).fails(1, ["nothing is applied"]);
    project.database(["migrator", "init", "migrate"]).fails(2, ["ambiguous subcommand"]);
    project.database(["migrator", "nonsense"]).fails(9, ["nonsense"]);
    project.database(["migrator", "migrate", "up", "down"]).fails(2, ["ambiguous migrate"]);
}
