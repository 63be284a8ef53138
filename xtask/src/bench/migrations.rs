//! The measured migrations: the same small ones for every migrator, in the form that each needs.
//!
//! Their SQL is in `xtask/bench/migration`: a table that the bundle accepts, some rows, another
//! column, over and over. The benchmark compares the time that a migrator adds to the SQL, which
//! shows best with small migrations.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{On, Result};
use crate::program;

/// The number of migrations.
const ALL: usize = 1000;
/// The number of migrations in cases that start a process for each.
const SOME: usize = 200;

/// The statements of the migrations: up and down, in turn.
const KINDS: [(&str, &str); 3] = [
    (
        include_str!("../../bench/migration/create.sql"),
        include_str!("../../bench/migration/create-down.sql"),
    ),
    (
        include_str!("../../bench/migration/insert.sql"),
        include_str!("../../bench/migration/insert-down.sql"),
    ),
    (
        include_str!("../../bench/migration/alter.sql"),
        include_str!("../../bench/migration/alter-down.sql"),
    ),
];

/// The directory with the written migrations.
pub(super) struct Migrations(PathBuf);

impl Migrations {
    /// Writes all forms into the new directory `home`, for everyone to read.
    pub(super) fn write(home: PathBuf) -> Result<Self> {
        let written = Self(home);
        let migrations: Vec<Migration> = (0..ALL).map(Migration::new).collect();
        for migration in &migrations {
            migration.write_pair(&written.all())?;
            let dbmate = include_str!("../../bench/migration/dbmate.sql");
            let file = format!("{}_{}.sql", migration.version, migration.description);
            write(&written.dbmate().join(file), &migration.fill(dbmate))?;
        }
        for migration in migrations.iter().take(SOME) {
            migration.write_pair(&written.some())?;
        }
        let session = |begin: &str, template: &str| {
            let each = migrations.iter().map(|migration| migration.fill(template));
            [begin.to_owned()].into_iter().chain(each).collect::<String>()
        };
        let lock = include_str!("../../bench/migration/lock.sql");
        let whole = session(lock, include_str!("../../bench/migration/whole-history.sql"));
        write(&written.with_whole_history(), &whole)?;
        let single = session("", include_str!("../../bench/migration/single-row.sql"));
        write(&written.with_single_row(), &single)?;
        write(&written.begin(), include_str!("../../bench/migration/begin.sql"))?;
        program::run_quietly(program::new("chmod").args(["-R", "a+rX"]).arg(&written.0))?;
        Ok(written)
    }

    /// The migration directory with all migrations.
    pub(super) fn all(&self) -> PathBuf {
        self.0.join("all")
    }

    /// The migration directory with the first few.
    pub(super) fn some(&self) -> PathBuf {
        self.0.join("some")
    }

    /// All of them in the form of dbmate.
    pub(super) fn dbmate(&self) -> PathBuf {
        self.0.join("dbmate")
    }

    /// All of them as one script that writes the same history as the migrator.
    pub(super) fn with_whole_history(&self) -> PathBuf {
        self.0.join("whole-history.sql")
    }

    /// All of them as one script that writes one row of history for each.
    pub(super) fn with_single_row(&self) -> PathBuf {
        self.0.join("single-row.sql")
    }

    /// The SQL that prepares the database.
    pub(super) fn begin(&self) -> PathBuf {
        self.0.join("begin.sql")
    }
}

/// One migration.
struct Migration {
    number: usize,
    version: u64,
    description: String,
    up: String,
    down: String,
}

impl Migration {
    fn new(number: usize) -> Self {
        let table = number - number % KINDS.len();
        let (up, down) = KINDS[number % KINDS.len()];
        let with_table = |template: &str| template.replace("@table@", &table.to_string());
        Self {
            number,
            version: version(number),
            description: format!("step-{number}"),
            up: with_table(up),
            down: with_table(down),
        }
    }

    /// `NAME/up.sql` and `NAME/down.sql`.
    fn write_pair(&self, directory: &Path) -> Result<()> {
        let place = directory.join(self.name());
        write(&place.join("up.sql"), &self.up)?;
        write(&place.join("down.sql"), &self.down)
    }

    fn name(&self) -> String {
        format!("{}-{}", self.version, self.description)
    }

    fn fill(&self, template: &str) -> String {
        let previous = self.number.checked_sub(1).map(version);
        template
            .replace("@version@", &self.version.to_string())
            .replace("@name@", &self.name())
            .replace("@previous@", &previous.map_or("NULL".to_owned(), |v| v.to_string()))
            // as long as a real checksum
            .replace("@checksum@", &format!("{:064x}", self.version))
            .replace("@up@", &self.up)
            .replace("@down@", &self.down)
    }
}

/// A version of fourteen digits, which the layout requires.
fn version(number: usize) -> u64 {
    20_250_101_000_000 + number as u64
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).on("create", parent)?;
    }
    fs::write(path, text).on("write", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Scratch;

    #[test]
    fn everybody_gets_the_same_sql_and_nothing_is_left_to_fill_in() {
        let scratch = Scratch::new("migrations").unwrap();
        let written = Migrations::write(scratch.path().join("m")).unwrap();
        let last = version(ALL - 1);
        let directory = written.all().join(format!("{last}-step-999"));
        let up = fs::read_to_string(directory.join("up.sql")).unwrap();
        let dbmate = written.dbmate().join(format!("{last}_step-999.sql"));
        for other in [written.with_whole_history(), written.with_single_row(), dbmate] {
            let text = fs::read_to_string(&other).unwrap();
            assert!(text.contains(&up), "{}", other.display());
            assert!(!text.contains('@') || text.contains("somebody@somewhere"), "{text}");
        }
        let count = |directory: PathBuf| fs::read_dir(directory).unwrap().count();
        assert_eq!((count(written.all()), count(written.some())), (ALL, SOME));
        assert_eq!(count(written.dbmate()), ALL);
    }
}
