//! `database new`.

use std::path::Path;

use crate::cli::args::database::NewArguments;
use crate::cli::output::ui;
use crate::cli::path::absolute;
use crate::cli::resolve::Resolve;
use crate::command::new::{Created, New};
use crate::sys::error::Result;
use crate::sys::process::OsUser;
use crate::sys::shell;

/// Variables that would lead the commands to another project or database.
const MISLEADING: [&str; 3] = ["LOCAL_DIR", "DB_URL", "PG_WORKING_DIR"];

pub(super) fn run(resolve: &Resolve, flags: NewArguments) -> Result<()> {
    let named = flags.directory.unwrap_or_else(|| ".".into());
    let home = resolve.env.path("HOME").unwrap_or_else(|| OsUser::current().home);
    let created = New { root: absolute(&named), home, with_nix: flags.nix }.run()?;
    tell(&created);
    tell_surroundings(resolve, &created);
    tell_next(&named, flags.nix);
    Ok(())
}

fn tell(created: &Created) {
    ui::status(&format!("created a project in {}:", created.root.display()));
    for file in &created.written.files {
        ui::status(&format!("  {file}"));
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

fn tell_next(named: &Path, with_nix: bool) {
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
}
