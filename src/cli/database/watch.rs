//! `database watch`: resolves the files of the project, and prints each run.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::args::database::{Global, WatchArguments, WatchedVerb};
use crate::cli::config;
use crate::cli::env::{Env, no_tty};
use crate::cli::output::text::time_of;
use crate::cli::output::ui::{self, LogFormat};
use crate::cli::resolve::Resolve;
use crate::command::watch::{Moment, Reason, Watch};
use crate::project::patch::create_default;
use crate::project::watched::Watched;
use crate::project::workspace::Workspace;
use crate::sys::error::Result;
use crate::sys::process::{Command, Environment, describe};

pub(super) fn run(resolve: &Resolve, global: &Global, flags: &WatchArguments) -> Result<()> {
    let workspace = resolve.workspace()?;
    if flags.verb == WatchedVerb::Deploy {
        // `deploy` makes the file, which would be a change
        create_default(&workspace)?;
    }
    let project = || {
        let resolve = Resolve::new(None, &[]).ok()?;
        let workspace = resolve.workspace().ok()?;
        Some(files(&resolve, &workspace, flags))
    };
    let watch = Watch {
        project: &project,
        command: command(resolve, global, flags)?,
        interrupts: flags.verb == WatchedVerb::Check,
        keys: !no_tty(),
        tell: &|moment| tell(moment, flags.verb, &workspace.root),
    };
    watch.run()
}

/// The second process of db-tool. It gets the environment as it is, without the settings of the
/// project's files, so that it reads these files itself.
fn command(resolve: &Resolve, global: &Global, flags: &WatchArguments) -> Result<Command> {
    let environment = Environment::unscrubbed(Env::of_process().all());
    let mut command = Command::new(resolve.own_program()?, &environment).arg(flags.verb.name());
    if let Some(url) = &resolve.url {
        command = command.env("DB_URL", url); // an argument would show its password to everybody
    }
    for table in &global.inherits {
        command = command.args(["--inherits", table]);
    }
    let voice = global.voice;
    let json = voice.format == LogFormat::Json;
    let switches =
        [(global.remote, "--remote"), (voice.verbose, "--verbose"), (voice.quiet, "--quiet")];
    let switches = switches.into_iter().chain([(json, "--log-format=json")]);
    let on = switches.filter(|(on, _)| *on).map(|(_, switch)| switch);
    Ok(command.args(on).args(&flags.arguments))
}

/// The files that decide what the verb does.
fn files(resolve: &Resolve, workspace: &Workspace, flags: &WatchArguments) -> Watched {
    let root = &workspace.root;
    let tests = workspace.database_directory.join("test");
    let has_tests = flags.verb == WatchedVerb::Test
        || flags.arguments.iter().any(|argument| argument == "--test");
    let mut scripts: Vec<&Path> = vec![&workspace.entrypoint, &workspace.patch.file];
    let mut excluded = vec![root.join("focus")];
    excluded.extend(resolve.env.path("PG_WORKING_DIR"));
    excluded.extend(resolve.env.path("PG_LOG_PATH"));
    excluded.extend([&workspace.hydrate_log, &workspace.patch_log].into_iter().flatten().cloned());
    match has_tests {
        true => scripts.push(&workspace.test),
        false => excluded.push(tests),
    }
    let migrations = || workspace.database_directory.join("migration");
    excluded.push(resolve.env.path("MIGRATION_DIR").unwrap_or_else(migrations));
    Watched::of(workspace, &scripts, settings(resolve, root), excluded)
}

/// The files with settings and secrets, whether they exist or not.
fn settings(resolve: &Resolve, root: &Path) -> Vec<PathBuf> {
    let mut files = vec![root.join(config::FILE), root.join(".env")];
    let environment = resolve.env.text("ENVIRONMENT").ok().flatten();
    files.extend(environment.and_then(|name| config::of_environment(root, name).ok()));
    let dotenv = resolve.secrets(None).dotenv;
    files.extend(dotenv.file.into_iter().chain(dotenv.default));
    files.extend(resolve.keys().project);
    files.extend(resolve.env.path("PG_CONF_FILE"));
    files
}

fn tell(moment: &Moment<'_>, verb: WatchedVerb, root: &Path) {
    let (name, now) = (verb.name(), clock());
    let line = match moment {
        Moment::Begins(Reason::Start { keys: true }) => format!("{name} (r: again, q: quit)"),
        Moment::Begins(Reason::Start { keys: false }) => name.to_owned(),
        Moment::Begins(Reason::Key) => format!("{name} again"),
        Moment::Begins(Reason::Changed(paths)) => {
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            format!("{name}: {}", changed(&paths, root))
        }
        Moment::Ended(status, time) => {
            let time = time.as_millis();
            format!("{name} {} after {time} ms", ending(*status))
        }
        Moment::Interrupted => format!("{name} was interrupted"),
    };
    ui::status(&format!("[{now}] {line}"));
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => "passed".to_owned(),
        Some(code) => format!("failed with exit code {code}"),
        None => describe(status),
    }
}

/// Names the first file, if possible one that still exists, and counts the others.
fn changed(paths: &[&Path], root: &Path) -> String {
    let shown = paths.iter().find(|path| path.exists()).or(paths.first());
    let Some(shown) = shown else { return "files changed".to_owned() };
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let shown = shown.strip_prefix(root).unwrap_or(shown).to_string_lossy();
    let shown = shown.escape_debug();
    match paths.len() {
        1 => format!("{shown} changed"),
        2 => format!("{shown} and another file changed"),
        count => format!("{shown} and {} other files changed", count - 1),
    }
}

/// The time of the day, as the logs have it.
fn clock() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let time = time_of(since, ' ', " UTC");
    time.split_once(' ').map_or(time.clone(), |(_, time)| time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_that_exists_is_named() {
        let place = tempfile::tempdir().expect("temporary directory");
        let root = place.path().canonicalize().expect("found");
        std::fs::write(root.join("there"), "").expect("written");
        let (gone, there) = (root.join("gone"), root.join("there"));
        assert_eq!(changed(&[&gone], &root), "gone changed");
        assert_eq!(changed(&[&gone, &there], &root), "there and another file changed");
        assert_eq!(changed(&[there.as_path(); 3], &root), "there and 2 other files changed");
        assert_eq!(changed(&[Path::new("/x\u{1b}[2J")], &root), "/x\\u{1b}[2J changed");
        assert_eq!(changed(&[], &root), "files changed");
    }
}
