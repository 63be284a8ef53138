//! The projects in which a soak works, and what all of them share: cache and temporary directory.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{On, Result};
use crate::place::{self, Scratch, scratch_parent};
use crate::{demo, program};

/// The free memory, in bytes, with which a soak stays in memory.
const ROOM: u64 = 4 << 30;

/// The sources. Hydration may run them again and again.
const SOURCES: &str = "\
CREATE TABLE IF NOT EXISTS item (id integer PRIMARY KEY) INHERITS (hectic.created_at);
CREATE TABLE IF NOT EXISTS patched (note text) INHERITS (hectic.created_at);
CREATE TABLE IF NOT EXISTS first_step (id integer PRIMARY KEY) INHERITS (hectic.created_at);
CREATE TABLE IF NOT EXISTS second_step (id integer PRIMARY KEY) INHERITS (hectic.created_at);
INSERT INTO item (id) SELECT generate_series(1, 1000) ON CONFLICT DO NOTHING;
SELECT pg_sleep(0.05);
";
/// The patch.
const PATCH: &str = "INSERT INTO patched (note) VALUES ('one more');\n";
/// The tests.
const TESTS: &str = "\
SELECT pg_sleep(0.05);
SELECT CASE WHEN count(*) = 1000 THEN 'ok' ELSE 'not ok' END || ' 1 - all items' FROM item;
\\echo 1..1
";
/// The migrations: name, up, down. They make what the sources make.
const MIGRATIONS: [(&str, &str, &str); 3] = [
    (
        "20250101000000-base",
        "CREATE TABLE IF NOT EXISTS item (id integer PRIMARY KEY) INHERITS (hectic.created_at);\n\
         CREATE TABLE IF NOT EXISTS patched (note text) INHERITS (hectic.created_at);\n",
        "SELECT 'the rows stay';\n",
    ),
    (
        "20250102000000-first",
        "CREATE TABLE IF NOT EXISTS first_step (id integer PRIMARY KEY)\n\
         INHERITS (hectic.created_at);\nSELECT pg_sleep(0.03);\n",
        "SELECT pg_sleep(0.03);\nDROP TABLE first_step;\n",
    ),
    (
        "20250103000000-second",
        "CREATE TABLE IF NOT EXISTS second_step (id integer PRIMARY KEY)\n\
         INHERITS (hectic.created_at);\nSELECT pg_sleep(0.03);\n",
        "SELECT pg_sleep(0.03);\nDROP TABLE second_step;\n",
    ),
];

/// The names of the workers' directories: one is so long that the server needs a short directory
/// for its socket.
const NAMES: [&str; 4] = [
    "plain",
    "with a blank and 'quotes'",
    "ünïcode",
    "so-long-that-the-path-of-a-socket-in-it-does-not-fit-into-the-107-bytes-that-the-system-allows",
];

/// The names of a worker's projects: rows stay in the first only.
pub(super) const KINDS: [&str; 2] = ["kept", "scratch"];

/// What all projects share.
pub(super) struct Ground {
    scratch: Scratch,
    programs: PathBuf,
    bindir: PathBuf,
}

/// A project with a cluster.
pub(super) struct Project {
    /// The project's directory.
    pub(super) directory: PathBuf,
}

impl Ground {
    /// Makes the directories.
    pub(super) fn new(programs: PathBuf, bindir: PathBuf) -> Result<Self> {
        let ground =
            Self { scratch: Scratch::below(scratch_parent(ROOM), "soak")?, programs, bindir };
        for directory in [ground.temporary(), ground.cache()] {
            fs::create_dir(&directory).on("create", &directory)?;
        }
        Ok(ground)
    }

    /// The directory of everything.
    pub(super) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Leaves the directory where it is.
    pub(super) fn keep(self) {
        self.scratch.keep();
    }

    /// Copies the logs of all projects to `target`, in the place of those of another soak.
    pub(super) fn save_logs(&self, target: &Path) -> Result<()> {
        if target.exists() {
            fs::remove_dir_all(target).on("remove", target)?;
        }
        for (number, name) in NAMES.iter().enumerate() {
            for kind in KINDS {
                let directory = self.path().join(name).join(kind);
                let copies = target.join(format!("{number}-{kind}"));
                fs::create_dir_all(&copies).on("create", &copies)?;
                let logs = [directory.join("commands.log"), work_in(&directory).join("log")];
                for log in logs.iter().filter(|log| log.exists()) {
                    program::run_quietly(program::new("cp").arg("-R").arg(log).arg(&copies))?;
                }
            }
        }
        Ok(())
    }

    /// The directory of temporary files.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// The directory of caches.
    pub(super) fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// Makes the project `name` of a worker.
    pub(super) fn project(&self, worker: usize, name: &str) -> Result<Project> {
        let place = NAMES.get(worker).copied().unwrap_or("further");
        let project = Project { directory: self.path().join(place).join(name) };
        let database = project.directory.join("db");
        let mut files = vec![
            (database.join("src/entrypoint.sql"), SOURCES),
            (database.join("test/test.sql"), TESTS),
            (project.directory.join("test-data.sql"), PATCH),
        ];
        for (name, up, down) in MIGRATIONS {
            let migration = database.join("migration").join(name);
            files.extend([(migration.join("up.sql"), up), (migration.join("down.sql"), down)]);
        }
        for (path, text) in files {
            let parent = path.parent().unwrap_or(&project.directory);
            fs::create_dir_all(parent).on("create", parent)?;
            fs::write(&path, text).on("write", &path)?;
        }
        let work = project.work();
        fs::create_dir_all(&work).on("create", &work)?;
        if place::is_root() {
            let (user, group) = place::server_user()?;
            chown(&work, Some(user.as_raw()), Some(group.as_raw())).on("hand over", &work)?;
        }
        Ok(project)
    }

    /// A program of db-tool for `project`.
    pub(super) fn tool(&self, project: &Project, name: &str) -> Command {
        let mut command = program::outside_any_project(&self.programs.join(name));
        let mut path = self.bindir.clone().into_os_string();
        path.push(":/usr/bin:/bin");
        command
            .current_dir(&project.directory)
            .env("PATH", path)
            .env("PG_BINDIR", &self.bindir)
            .env("LOCAL_DIR", &project.directory)
            .env("PG_WORKING_DIR", project.work())
            .env("DB_URL", demo::url("soak", &project.work()))
            .env("PG_SHARED_PRELOAD_LIBRARIES", "")
            .env("TMPDIR", self.temporary())
            .env("PG_THROWAWAY_DIR", self.temporary())
            .env("XDG_CACHE_HOME", self.cache());
        command
    }
}

impl Project {
    /// The working directory of its cluster.
    pub(super) fn work(&self) -> PathBuf {
        work_in(&self.directory)
    }

    /// The data directory of its cluster.
    pub(super) fn data(&self) -> PathBuf {
        self.work().join("data")
    }
}

/// The working directory of the cluster of the project in `directory`.
fn work_in(directory: &Path) -> PathBuf {
    directory.join("focus/postgresql")
}
