//! `database new`.

mod proof;

use std::path::Path;

use crate::cli::args::database::NewArguments;
use crate::cli::output::ui;
use crate::cli::path::absolute;
use crate::cli::resolve::Resolve;
use crate::command::new::{Created, Description, Existing, New, check_extensions};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::Result;
use crate::sys::process::OsUser;
use crate::sys::shell;
use crate::sys::steps::Steps;

/// Variables that would lead the commands to another project or database.
const MISLEADING: [&str; 3] = ["LOCAL_DIR", "DB_URL", "PG_WORKING_DIR"];

pub(super) fn run(resolve: &Resolve, flags: &NewArguments) -> Result<()> {
    let named = flags.directory.clone().unwrap_or_else(|| ".".into());
    let home = resolve.env.path("HOME").unwrap_or_else(|| OsUser::current().home);
    let new = New { root: absolute(&named), home, with_nix: flags.nix };
    let Some(url) = &flags.from else {
        let created = new.empty()?;
        tell(&created);
        tell_surroundings(resolve, &created);
        tell_next(&named, flags.nix, None);
        return Ok(());
    };
    new.check()?;
    let description = read(resolve, url, &flags.data)?;
    let created = new.taken(&description)?;
    tell(&created);
    tell_left_out(&description);
    tell_surroundings(resolve, &created);
    proof::run(&Resolve::of_project(&created.root)?, url, &description.row_tables)?;
    tell_next(&named, flags.nix, created.baseline.as_deref());
    Ok(())
}

/// Reads the existing database.
fn read(resolve: &Resolve, url: &str, tables: &[String]) -> Result<Description> {
    let conninfo = PgUrl::parse(url).and_then(|url| Conninfo::resolve(&url, &resolve.libpq()));
    let existing = Existing {
        conninfo: conninfo.map_err(|error| error.context("cannot use --from"))?,
        toolchain: resolve.toolchain()?,
        temporary: resolve.temporary_directory(),
        tables: tables.to_vec(),
    };
    let mut steps = Steps::default();
    let description = steps.run("read the database", || existing.read())?;
    let machine = Resolve::of_no_project()?;
    check_extensions(&description, &machine.private(None)?, &existing.toolchain)?;
    Ok(description)
}

fn tell(created: &Created) {
    const SHOWN: usize = 12;
    ui::status(&format!("created a project in {}:", created.root.display()));
    let files = &created.written.files;
    // the sources of a large schema fill the screen
    let shown = if files.len() > SHOWN { SHOWN - 1 } else { files.len() };
    for file in &files[..shown] {
        ui::status(&format!("  {file}"));
    }
    if shown < files.len() {
        ui::status(&format!("  and {} more", files.len() - shown));
    }
    for (file, lines) in &created.written.kept {
        if lines.is_empty() {
            ui::status(&format!("{file} stays as it is"));
            continue;
        }
        ui::status(&format!("{file} stays as it is; add to it:"));
        for line in lines {
            ui::status(&format!("  {line}"));
        }
    }
}

/// Warns about parts of the existing database that are not in the project.
fn tell_left_out(description: &Description) {
    if !description.custom_settings.is_empty() {
        tracing::warn!(
            "left out, because they may be secrets: the settings {} of the database",
            description.custom_settings.join(", ")
        );
    }
    for name in &description.subscriptions {
        tracing::warn!("left out, because it holds a password: the subscription {name}");
    }
    if description.has_jobs {
        tracing::warn!("left out: the jobs of pg_cron");
    }
    if description.has_user_mappings() {
        tracing::warn!("left out, because they may hold passwords: the options of user mappings");
    }
}

/// Warns if commands in the new project would use another one.
fn tell_surroundings(resolve: &Resolve, created: &Created) {
    if let Some(above) = &created.above {
        tracing::warn!(
            "the project is below another one, {}: commands here use the new one",
            above.display()
        );
    }
    let set = MISLEADING.into_iter().filter(|name| {
        let is_here = *name == "LOCAL_DIR" && resolve.env.path(name) == Some(created.root.clone());
        resolve.env.os(name).is_some() && resolve.env.origin(name).is_none() && !is_here
    });
    let set: Vec<_> = set.collect();
    if !set.is_empty() {
        let what = if set.len() == 1 { "this variable" } else { "these variables" };
        tracing::warn!(
            "{what} of your environment beat the project's settings: unset {}",
            set.join(" ")
        );
    }
}

fn tell_next(named: &Path, with_nix: bool, baseline: Option<&str>) {
    ui::status("next:");
    if named != Path::new(".") {
        let directory = named.to_string_lossy();
        let dash = if directory.starts_with('-') { "-- " } else { "" };
        let is_plain = directory.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let word = if is_plain { directory.into_owned() } else { shell::quote(&directory) };
        ui::status(&format!("  cd {dash}{word}"));
    }
    match with_nix {
        true => {
            ui::status("  # name the place of db-tool in flake.nix; a flake sees what git knows");
            ui::status("  git add . && nix develop      # or: direnv allow");
        }
        false => ui::status("  . ./.envrc           # or: direnv allow"),
    }
    ui::status("  database deploy");
    ui::status("  database test");
    if let Some(name) = baseline {
        ui::status(
            "  # before the first migration there, tell the existing database that it has this one:",
        );
        ui::status(&format!("  migrator --db-url URL baseline {name}"));
    }
}
