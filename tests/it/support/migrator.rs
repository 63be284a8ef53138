//! Migration directories, and runs of the migrator on them.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use super::{Outcome, Sandbox};

/// A sandbox whose directory `migration` holds the migrations of its database `app`.
pub struct MigratorProject(Sandbox);

impl Deref for MigratorProject {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl DerefMut for MigratorProject {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.0
    }
}

/// The name of the migration with this number.
pub fn name(number: u32) -> String {
    format!("202501010000{number:02}-t{number}")
}

/// SQL that creates a table that the bundle accepts.
pub fn table(name: &str) -> String {
    format!("CREATE TABLE {name} (id int) INHERITS (hectic.created_at);\n")
}

impl MigratorProject {
    /// A project without a server.
    pub fn offline() -> Self {
        Self(Sandbox::with_cluster())
    }

    /// A project with a running cluster. `DB_URL` names its empty database `app`.
    #[track_caller]
    pub fn new() -> Self {
        Self::in_sandbox(Sandbox::with_cluster())
    }

    /// The same in a sandbox that has settings for the server already.
    #[track_caller]
    pub fn in_sandbox(mut sandbox: Sandbox) -> Self {
        let socket = sandbox.path("pg");
        sandbox.set("DB_URL", format!("postgresql://dev@localhost/app?host={}", socket.display()));
        sandbox.init([]).success();
        Self(sandbox)
    }

    /// A new project with migrations 1 to `count`, each of which creates a table.
    #[track_caller]
    pub fn with_tables(count: u32) -> Self {
        let project = Self::new();
        (1..=count).for_each(|number| project.write_table(number));
        project
    }

    /// The same, with these migrations applied.
    #[track_caller]
    pub fn applied(count: u32) -> Self {
        let project = Self::with_tables(count);
        project.up_all();
        project
    }

    /// Writes migration `number`: up creates the table `tN`, down drops it.
    pub fn write_table(&self, number: u32) {
        let t = format!("t{number}");
        self.write_migration(&name(number), &table(&t), &format!("DROP TABLE {t};\n"));
    }

    /// Writes migration `number` with the text of its up; its down does nothing.
    pub fn write_up(&self, number: u32, text: &str) -> PathBuf {
        self.write_migration(&name(number), text, "SELECT 1;\n")
    }

    /// Writes a migration with both directions. Returns the path of its up.
    pub fn write_migration(&self, name: &str, up: &str, down: &str) -> PathBuf {
        self.write(&format!("migration/{name}/down.sql"), down);
        self.write(&format!("migration/{name}/up.sql"), up)
    }

    /// Deletes the files of migration `number`.
    pub fn delete_migration(&self, number: u32) {
        std::fs::remove_dir_all(self.path(&format!("migration/{}", name(number)))).unwrap();
    }

    /// Runs the migrator with these arguments.
    pub fn migrator<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.run("migrator", arguments)
    }

    /// Applies everything.
    #[track_caller]
    pub fn up_all(&self) -> Outcome {
        self.migrator(["migrate", "up", "all"]).success()
    }

    /// Applies all migrations and expects exit code `code` and a message with `words`.
    #[track_caller]
    pub fn up_fails<const N: usize>(&self, code: i32, words: [&str; N]) -> Outcome {
        self.migrator(["migrate", "up", "all"]).fails(code, words)
    }

    /// The states in the history, by the last two digits of the versions: `1 Migrated, 2 Undone`.
    #[track_caller]
    pub fn states(&self) -> String {
        self.ask(
            "SELECT string_agg(version % 100 || ' ' || state, ', ' ORDER BY version) \
             FROM hectic.migration_state",
        )
    }

    /// The names of the tables in the schema `public`: `t1 t3`.
    #[track_caller]
    pub fn tables(&self) -> String {
        self.ask(
            "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables \
             WHERE schemaname = 'public'",
        )
    }

    /// Everything that a command could have changed in the database: history, log and tables.
    #[track_caller]
    pub fn everything(&self) -> String {
        let there = "SELECT to_regclass('hectic.migration') IS NULL";
        if self.ask(there) == "t" {
            return self.tables();
        }
        let rows = self.ask(
            "SELECT (SELECT string_agg(m::text, E'\\n' ORDER BY version) FROM hectic.migration_state m) \
             || (SELECT string_agg(e::text, E'\\n' ORDER BY id) FROM hectic.migration_event e)",
        );
        rows + &self.tables()
    }
}
