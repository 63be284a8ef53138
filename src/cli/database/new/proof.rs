//! The proof that a project makes the database that it was made from: `check` passes, `diff` finds
//! no difference, and the baseline can be undone. If it fails, the files stay.

use crate::cli::args::bundle::BundleArguments;
use crate::cli::args::database::CheckArguments;
use crate::cli::args::diff::DiffArguments;
use crate::cli::database::{diff, verbs};
use crate::cli::migrator::settings;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::command::migrator::verify::{Verdict, Verify};
use crate::sys::error::{Error, Kind, Result};

pub(super) fn run(resolve: &Resolve, url: &str, tables: &[String]) -> Result<()> {
    let root = resolve.workspace()?.root;
    let explained = |error: Error, command: &str| match error.kind() {
        Kind::Interrupted(_) => error,
        _ => error
            .context("the project is written, but it does not make the same database yet")
            .hint(format!("correct the files in {}, then repeat: {command}", root.display())),
    };
    verbs::check(resolve, &CheckArguments::default(), Vec::new(), None)
        .map_err(|error| explained(error, "database check"))?;
    let flags = DiffArguments {
        against: Some(url.to_owned()),
        tables: tables.to_vec(),
        ..DiffArguments::default()
    };
    diff::run(resolve, &flags).map_err(|error| explained(error, "database diff --against URL"))?;
    ui::status("compared: the sources make the same database");
    undone(resolve).map_err(|error| explained(error, "migrator verify"))
}

fn undone(resolve: &Resolve) -> Result<()> {
    let bundle = resolve.bundle(BundleArguments::default())?;
    let project = settings::project(resolve, bundle)?;
    let verify = Verify {
        project: &project,
        private: resolve.private(bundle)?,
        toolchain: resolve.toolchain()?,
        content: None,
        settings: Vec::new(),
    };
    let verdicts = verify.run(&mut |_| ())?;
    match verdicts.iter().find(|verdict| !verdict.reversible) {
        None => {
            ui::status("verified: the baseline migration can be undone");
            Ok(())
        }
        Some(verdict) => Err(failure(verdict)),
    }
}

fn failure(verdict: &Verdict) -> Error {
    let what = format!("the migration {} cannot be undone", verdict.name);
    let lines = [&verdict.after_down, &verdict.after_up_again].into_iter().flatten();
    let error = Error::new(Kind::Migration, what);
    verdict.error.iter().chain(lines).fold(error, |error, line| error.detail(line.clone()))
}
