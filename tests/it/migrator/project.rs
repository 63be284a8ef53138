//! `database migrator`: the same program in a project's environment.

use super::support::{Ground, name, table};

/// A project in `project` with a running cluster, and nothing but `LOCAL_DIR` set.
fn project() -> Ground {
    let mut ground = Ground::new();
    let url = ground.variable("DB_URL").unwrap().to_str().unwrap().to_owned();
    ground.unset("DB_URL");
    ground.write("project/.env", format!("DB_URL={url}\n"));
    let local = ground.path("project");
    ground.set("LOCAL_DIR", local);
    ground
}

fn migration(ground: &Ground, directory: &str, number: u8) {
    let t = format!("t{number}");
    ground.write(&format!("{directory}/{}/up.sql", name(number)), table(&t));
    ground.write(&format!("{directory}/{}/down.sql", name(number)), format!("DROP TABLE {t};"));
}

#[test]
fn the_projects_env_says_where_everything_is() {
    let ground = project();
    migration(&ground, "project/db/migration", 1);
    ground.database(["migrator", "migrate", "up", "all"]).success();
    assert_eq!(ground.tables(), "t1");
    let env = ground.read("project/.env");
    migration(&ground, "project/elsewhere", 2);
    ground.write("project/.env", format!("{env}MIGRATION_DIR=elsewhere\n"));
    let listed = ground.database(["migrator", "list", "--raw"]).success();
    assert_eq!(listed.stdout.trim_end(), name(2));
    // migrator alone reads it too
    assert_eq!(ground.migrator(["list", "--raw"]).success().stdout, listed.stdout);
}

#[test]
fn database_dir_holds_the_migrations_and_i_starts_at_the_projects_root() {
    let mut ground = project();
    ground.set("DATABASE_DIR", "project/base");
    ground.write(&format!("project/base/migration/{}/up.sql", name(1)), "\\i shared/a.sql\n");
    ground.write("project/shared/a.sql", table("a"));
    ground.database(["migrator", "apply"]).success();
    assert_eq!(ground.tables(), "a");
}

#[test]
fn options_of_database_go_over_to_the_migrator() {
    let mut ground = project();
    migration(&ground, "project/db/migration", 1);
    let socket = ground.path("pg").display().to_string();
    let url = format!("host={socket} user=dev dbname=app");
    ground.write("project/.env", "DB_URL=host=$LOCAL_DIR/nowhere\n");
    ground.database(["migrator", "info"]).fails(1, ["/nowhere"]);
    let quiet = ground.database(["-q", "--url", &url, "migrator", "migrate", "up"]).success();
    assert_eq!(quiet.stderr, "");
    ground.database(["migrator", "-u", &url, "migrate", "down"]).success();
    ground.set("DB_URL", url);
    ground.database(["migrator", "migrate", "redo"]).fails(1, ["nothing is applied"]);
    ground.database(["migrator", "init", "migrate"]).fails(2, ["ambiguous subcommand"]);
    ground.database(["migrator", "nonsense"]).fails(9, ["nonsense"]);
    ground.database(["migrator", "migrate", "up", "down"]).fails(2, ["ambiguous migrate"]);
}
