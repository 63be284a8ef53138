//! Where the measurements take place, and what both sides find there.
//!
//! Both sides get the same server programs, a copy of the same SQL, and a fresh directory for each
//! run. The directories have parents of their own: on an ext4 without a journal, creating and
//! deleting many files in one place gets slower and slower. Run by root, the pipeline is started as
//! the server's user, while the tool switches to it by itself.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::{Gid, Uid};

use super::cases::{Make, Side};
use super::migrations::Migrations;
use crate::failure::{Failure, On, Result};
use crate::place::{self, Scratch};
use crate::{demo, program};

/// The pipeline, carried along because the server's user may not reach the repository.
const PIPELINE: &str = include_str!("../../bench/pipeline.sh");

/// Everything that the runs share.
pub(super) struct Lab {
    bindir: PathBuf,
    programs: PathBuf,
    scratch: Scratch,
    migrations: Migrations,
    server_user: Option<(Uid, Gid)>,
    sites: AtomicUsize,
}

/// The place of one run, removed afterwards.
pub(super) struct Site(PathBuf);

impl Lab {
    /// Copies the SQL to where the server's user can read it.
    pub(super) fn new(bindir: PathBuf, programs: PathBuf) -> Result<Self> {
        let server_user = place::is_root().then(place::server_user).transpose()?;
        let scratch = Scratch::below(scratch_parent(), "bench")?;
        let migrations = Migrations::write(scratch.path().join("migrations"))?;
        let sites = AtomicUsize::new(0);
        let lab = Self { bindir, programs, scratch, migrations, server_user, sites };
        copy(&place::root().join("sql/bundle"), &lab.bundle())?;
        number(&lab.bundle())?;
        copy(&place::root().join("nix/template"), &lab.project())?;
        Ok(lab)
    }

    /// Where the runs work.
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

    /// The migrations in all their forms.
    pub(super) fn migrations(&self) -> &Migrations {
        &self.migrations
    }

    /// Where dbmate is, once it was provided.
    pub(super) fn dbmate(&self) -> PathBuf {
        self.scratch.path().join("dbmate")
    }

    /// The URL of the site's database.
    pub(super) fn url(&self, site: &Site) -> String {
        demo::url("shop", &site.work())
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

    /// How long a side's command takes; tidies up behind it.
    pub(super) fn time(&self, side: &Side) -> Result<Duration> {
        self.with_site(side, |command| {
            let begin = Instant::now();
            let status = start(command)?.wait();
            Ok((begin.elapsed(), status.on("wait for", Path::new(command.get_program()))?))
        })
    }

    /// Measures a side's command in a fresh site. A failure shows what was printed.
    pub(super) fn with_site<T>(
        &self,
        side: &Side,
        measure: impl FnOnce(&mut Command) -> Result<(T, ExitStatus)>,
    ) -> Result<T> {
        let site = self.site()?;
        let mut before = side.before.iter();
        let ready = before.try_for_each(|make| self.logged(*make, &site, finish));
        let measured = ready.and_then(|()| self.logged(side.timed, &site, measure));
        let after = self.logged(side.afterwards, &site, finish);
        let removed = fs::remove_dir_all(&site.0).on("remove", &site.0);
        let measured = measured?;
        after.and(removed).map(|()| measured)
    }

    /// Runs a command with its output in a file: a pipe could be held open by a server.
    fn logged<T>(
        &self,
        make: Make,
        site: &Site,
        measure: impl FnOnce(&mut Command) -> Result<(T, ExitStatus)>,
    ) -> Result<T> {
        let path = site.0.join("output");
        let log = File::create(&path).on("create", &path)?;
        let mut command = make(self, site);
        command.stderr(log.try_clone().on("share", &path)?).stdout(log);
        let (measured, status) = measure(&mut command)?;
        if status.success() {
            return Ok(measured);
        }
        let said = fs::read_to_string(&path).unwrap_or_default();
        let name = Path::new(command.get_program()).display();
        Err(Failure::new(format!("{name} failed ({status}):\n{said}")))
    }

    fn site(&self) -> Result<Site> {
        let number = self.sites.fetch_add(1, Ordering::Relaxed);
        let site = Site(self.scratch.path().join(number.to_string()));
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

    /// A template cache that nobody has used yet.
    pub(super) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }
}

/// Starts the command.
pub(super) fn start(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| program::cannot_start(command, &error))
}

/// Runs the command, whatever it takes.
fn finish(command: &mut Command) -> Result<((), ExitStatus)> {
    let status = start(command)?.wait();
    Ok(((), status.on("wait for", Path::new(command.get_program()))?))
}

/// Puts a version into the bundle, as the tool does. Which one is all the same to a new database.
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

/// Where the runs work: in memory where that can be, unless `TMPDIR` says otherwise. An ext4 without a
/// journal makes files many times slower once hundreds were deleted in the last minutes, which a
/// benchmark does and a person does not.
fn scratch_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match std::env::var_os("TMPDIR") {
        None if has_room(memory) => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// Containers have a small one.
#[cfg(target_os = "linux")]
fn has_room(directory: &Path) -> bool {
    nix::sys::statvfs::statvfs(directory)
        .is_ok_and(|fs| fs.blocks_available() * fs.fragment_size() > 2 << 30)
}

#[cfg(not(target_os = "linux"))]
fn has_room(_: &Path) -> bool {
    false
}
