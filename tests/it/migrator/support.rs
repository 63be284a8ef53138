//! Migration directories, and runs of the migrator on them.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use crate::support::{Outcome, Sandbox};

/// A sandbox in which the migrator finds its directory by default, `migration`.
pub struct Ground(Sandbox);

impl Deref for Ground {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl DerefMut for Ground {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.0
    }
}

/// The name of the simple migration `number`, which makes a table.
pub fn name(number: u8) -> String {
    format!("202501010000{number:02}-t{number}")
}

/// SQL that creates a table that the bundle accepts.
pub fn table(name: &str) -> String {
    format!("CREATE TABLE {name} (id int) INHERITS (hectic.created_at);\n")
}

impl Ground {
    /// A sandbox without a server.
    pub fn offline() -> Self {
        Self(Sandbox::with_cluster())
    }

    /// A sandbox with a running cluster. `DB_URL` names its empty database `app`.
    #[track_caller]
    pub fn new() -> Self {
        let mut ground = Self::offline();
        let socket = ground.path("pg");
        ground.set("DB_URL", format!("postgresql://dev@localhost/app?host={}", socket.display()));
        ground.init([]).success();
        ground
    }

    /// The same with the first `count` simple migrations.
    #[track_caller]
    pub fn with_tables(count: u8) -> Self {
        let ground = Self::new();
        (1..=count).for_each(|number| ground.simple(number));
        ground
    }

    /// The same, with these migrations applied.
    #[track_caller]
    pub fn applied(count: u8) -> Self {
        let ground = Self::with_tables(count);
        ground.up_all();
        ground
    }

    /// Writes the simple migration `number`: up makes the table `tN`, down drops it.
    pub fn simple(&self, number: u8) {
        let t = format!("t{number}");
        self.migration(&name(number), &table(&t), &format!("DROP TABLE {t};\n"));
    }

    /// Writes a migration with both directions.
    pub fn migration(&self, name: &str, up: &str, down: &str) -> PathBuf {
        self.write(&format!("migration/{name}/down.sql"), down);
        self.write(&format!("migration/{name}/up.sql"), up)
    }

    /// Writes migration `number` with the text of its up; its down does nothing.
    pub fn up(&self, number: u8, text: &str) -> PathBuf {
        self.migration(&name(number), text, "SELECT 1;\n")
    }

    /// The migrator with these arguments.
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

    /// The simple tables that are there: `t1 t3`.
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
