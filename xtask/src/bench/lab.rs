//! The directory of the measurements, with everything that both sides find there.
//!
//! Both sides get the same server programs, a copy of the same SQL, and a fresh directory for each
//! run. Each directory has its own parent: on an ext4 without a journal, creating and deleting many
//! files in one place gets slower and slower. If root runs the benchmark, it starts the pipeline as
//! the server's user, while db-tool switches to that user by itself.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::{Gid, Uid};

use super::cases::{Make, Side, Timing, stop};
use super::migrations::Migrations;
use super::samples::Samples;
use crate::failure::{Failure, On, Result};
use crate::place::{self, Scratch, scratch_parent};
use crate::soak::{Process, all, wait_until};
use crate::{demo, program};

/// The free memory, in bytes, with which the runs stay in memory.
const ROOM: u64 = 2 << 30;

/// The text of the pipeline. The server's user may not be able to read the repository.
const PIPELINE: &str = include_str!("../../bench/pipeline.sh");

/// The programs and directories that the runs share.
pub(super) struct Lab {
    bindir: PathBuf,
    programs: PathBuf,
    scratch: Scratch,
    migrations: Migrations,
    samples: Samples,
    server_user: Option<(Uid, Gid)>,
    sites: AtomicUsize,
}

/// The place of one run, removed afterwards.
pub(super) struct Site(PathBuf);

impl Lab {
    /// The parents of the directories in which the runs work, with a name of each: memory and the
    /// disk of the repository, or only `TMPDIR` if it is set.
    pub(super) fn parents() -> Result<Vec<(&'static str, PathBuf)>> {
        let first = scratch_parent(ROOM);
        if first != Path::new("/dev/shm") {
            return Ok(vec![("TMPDIR", first)]);
        }
        Ok(vec![("memory", first), ("disk", place::kept("bench")?)])
    }

    /// Copies the SQL to where the server's user can read it.
    pub(super) fn new(bindir: PathBuf, programs: PathBuf, parent: PathBuf) -> Result<Self> {
        let server_user = place::is_root().then(place::server_user).transpose()?;
        let scratch = Scratch::below(parent, "bench")?;
        let migrations = Migrations::write(scratch.path().join("migrations"))?;
        let samples = Samples::write(scratch.path().join("samples"))?;
        let sites = AtomicUsize::new(0);
        let lab = Self { bindir, programs, scratch, migrations, samples, server_user, sites };
        copy(&place::root().join("sql/bundle"), &lab.bundle())?;
        number(&lab.bundle())?;
        copy(&place::root().join("nix/template"), &lab.project())?;
        Ok(lab)
    }

    /// The directory in which the runs work.
    pub(super) fn place(&self) -> &Path {
        self.scratch.path()
    }

    /// The bundle's SQL files.
    pub(super) fn bundle(&self) -> PathBuf {
        self.scratch.path().join("bundle")
    }

    /// The sample project.
    pub(super) fn project(&self) -> PathBuf {
        self.scratch.path().join("project")
    }

    /// The directory with the migrations in all their forms.
    pub(super) fn migrations(&self) -> &Migrations {
        &self.migrations
    }

    /// The databases to compare and to back up.
    pub(super) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The place of the cluster that all runs of a case share.
    pub(super) fn stage(&self) -> Site {
        Site(self.scratch.path().join("stage"))
    }

    /// The path of dbmate, once it was provided.
    pub(super) fn dbmate(&self) -> PathBuf {
        self.scratch.path().join("dbmate")
    }

    /// The path of the copy of this program that acts as a slow line.
    pub(super) fn delay(&self) -> PathBuf {
        self.scratch.path().join("delay")
    }

    /// The URL of the site's database.
    pub(super) fn url(&self, site: &Site) -> String {
        self.url_of("shop", site)
    }

    /// The URL of another database there.
    pub(super) fn url_of(&self, database: &str, site: &Site) -> String {
        demo::url(database, &site.work())
    }

    /// The template cache that all runs share.
    pub(super) fn warm_cache(&self) -> PathBuf {
        self.scratch.path().join("cache")
    }

    /// One of the tool's programs, working in `site`.
    pub(super) fn tool(&self, name: &str, site: &Site, cache: &Path) -> Command {
        let mut command = program::outside_any_project(&self.programs.join(name));
        command
            .env("PG_BINDIR", &self.bindir)
            .env("PG_WORKING_DIR", site.work())
            .env("LOCAL_DIR", self.project())
            .env("PG_DATABASE", "shop")
            .env("DB_URL", self.url(site))
            .env("PG_SHARED_PRELOAD_LIBRARIES", "")
            .env("TMPDIR", &site.0)
            // the cases about cached states turn them on
            .env("PG_CACHE", "off")
            .env("XDG_CACHE_HOME", cache);
        command
    }

    /// The pipeline with a verb and its directory.
    pub(super) fn pipeline(&self, verb: &str, site: &Site) -> Command {
        let mut command = program::outside_any_project(Path::new("sh"));
        let mut path = self.bindir.clone().into_os_string();
        path.push(":/usr/bin:/bin");
        command.args(["-c", PIPELINE, "pipeline.sh", verb]).arg(site.work());
        command.env("PATH", path).current_dir("/");
        if let Some((user, group)) = self.server_user {
            command.uid(user.as_raw()).gid(group.as_raw());
        }
        command
    }

    /// Measures the duration of a side's command, and tidies up behind it.
    pub(super) fn time(&self, side: &Side) -> Result<Duration> {
        let (whole, said) = self.with_site(side, |command| {
            let begin = Instant::now();
            let status = start(command)?.wait();
            Ok((begin.elapsed(), status.on("wait for", Path::new(command.get_program()))?))
        })?;
        match side.timing {
            Timing::Whole => Ok(whole),
            Timing::Part { done, .. } => told(&said, done)
                .ok_or_else(|| Failure::new(format!("nothing says \"{done} in\":\n{said}"))),
        }
    }

    /// Does some work while the shared cluster runs, if there is one.
    pub(super) fn with_stage<T>(
        &self,
        make: &[Make],
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if make.is_empty() {
            return work();
        }
        let stage = self.at(self.stage())?;
        let made = make.iter().try_for_each(|make| self.run(*make, &stage));
        let done = made.and_then(|()| work());
        let after = self.run(stop, &stage);
        let removed = fs::remove_dir_all(&stage.0).on("remove", &stage.0);
        let done = done?;
        after.and(removed).map(|()| done)
    }

    /// Measures a side's command in a fresh site, and returns its output too.
    pub(super) fn with_site<T>(
        &self,
        side: &Side,
        measure: impl FnOnce(&mut Command) -> Result<(T, ExitStatus)>,
    ) -> Result<(T, String)> {
        let site = self.site()?;
        let mut before = side.before.iter();
        let ready = before.try_for_each(|make| self.run(*make, &site));
        let measured = ready.and_then(|()| {
            self.settle();
            let ((measured, status), said) = self.logged(side.timed, &site, measure)?;
            let expected = match side.timing {
                Timing::Whole => 0,
                Timing::Part { exit, .. } => exit,
            };
            match status.code() == Some(expected) {
                true => Ok((measured, said)),
                false => {
                    Err(Failure::new(format!("the measured command failed ({status}):\n{said}")))
                }
            }
        });
        let after = self.run(side.afterwards, &site);
        let removed = fs::remove_dir_all(&site.0).on("remove", &site.0);
        let measured = measured?;
        after.and(removed).map(|()| measured)
    }

    /// Waits until the processes that work on the cache in the background have ended. Between two
    /// commands of a person, there is time for them.
    fn settle(&self) {
        let place = self.place().display().to_string();
        let works = |process: &Process| {
            let words = process.shown();
            let is_ours = words.contains("keeper spare") || words.contains("--save-states");
            is_ours && words.contains(&place)
        };
        wait_until(Duration::from_secs(60), || !all().iter().any(works));
    }

    /// Runs a command that has to succeed.
    fn run(&self, make: Make, site: &Site) -> Result<()> {
        let mut name = PathBuf::new();
        let (status, said) = self.logged(make, site, |command| {
            name = PathBuf::from(command.get_program());
            start(command)?.wait().on("wait for", &name)
        })?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::new(format!("{} failed ({status}):\n{said}", name.display()))),
        }
    }

    /// Runs a command with its output in a file, because a server could hold a pipe open.
    fn logged<T>(
        &self,
        make: Make,
        site: &Site,
        measure: impl FnOnce(&mut Command) -> Result<T>,
    ) -> Result<(T, String)> {
        let path = site.0.join("output");
        let log = File::create(&path).on("create", &path)?;
        let mut command = make(self, site);
        command.stderr(log.try_clone().on("share", &path)?).stdout(log);
        let measured = measure(&mut command)?;
        Ok((measured, fs::read_to_string(&path).unwrap_or_default()))
    }

    fn site(&self) -> Result<Site> {
        let number = self.sites.fetch_add(1, Ordering::Relaxed);
        self.at(Site(self.scratch.path().join(number.to_string())))
    }

    fn at(&self, site: Site) -> Result<Site> {
        let work = site.work();
        fs::create_dir_all(&work).on("create", &work)?;
        if let Some((user, group)) = self.server_user {
            chown(&work, Some(user.as_raw()), Some(group.as_raw())).on("hand over", &work)?;
        }
        Ok(site)
    }
}

impl Site {
    /// The working directory: data and sockets.
    pub(super) fn work(&self) -> PathBuf {
        self.0.join("w")
    }

    /// A template cache that no run has used yet.
    pub(super) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }
}

/// Starts the command.
pub(super) fn start(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| program::cannot_start(command, &error))
}

/// The duration that the command printed, as in `rows compared in 12 ms`.
fn told(said: &str, done: &str) -> Option<Duration> {
    let rest = said.lines().find_map(|line| line.strip_prefix(done)?.strip_prefix(" in "))?;
    rest.strip_suffix(" ms")?.parse().ok().map(Duration::from_millis)
}

/// Writes a version into the bundle, as db-tool does. A new database accepts any.
fn number(bundle: &Path) -> Result<()> {
    for entry in fs::read_dir(bundle).on("list", bundle)? {
        let path = entry.on("list", bundle)?.path();
        let text = fs::read_to_string(&path).on("read", &path)?;
        fs::write(&path, text.replace("@HECTIC_VERSION@", "1.0.0")).on("write", &path)?;
    }
    Ok(())
}

/// Copies a directory so that everyone may read it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    program::run_quietly(program::new("cp").arg("-R").arg(from).arg(to))?;
    program::run_quietly(program::new("chmod").args(["-R", "a+rX"]).arg(to))
}
