//! `postgres-init`: provides a cluster without the bundle.

use crate::cli::args::init::{Arguments, LeaseArguments};
use crate::cli::output::export;
use crate::cli::output::export::Format;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::cluster::{Existing, Outcome};
use crate::environment::clone;
use crate::environment::development::Ready;
use crate::sys::error::Result;
use crate::sys::steps::Steps;

pub(in crate::cli) fn execute(arguments: Arguments) -> Result<()> {
    let resolve = Resolve::new(None, &["DB_URL"])?.with_listen(arguments.listen.into());
    let existing = resolve.existing(arguments.fresh);
    provide(&resolve, existing, false, arguments.export, &arguments.lease).map(drop)
}

/// Provides the cluster and prints its URL; `database init` uses it, too.
pub(in crate::cli) fn provide(
    resolve: &Resolve,
    existing: Existing,
    url_must_match: bool,
    export: Option<Format>,
    lease: &LeaseArguments,
) -> Result<Ready> {
    let variable = export::check_name(resolve.env.text("PG_URL_VAR")?.unwrap_or("PGURL"))?;
    let development = resolve.development(existing, url_must_match, lease)?;
    let holder = development.keepers.holder.as_ref().map(|holder| holder.pid);
    let mut steps = Steps::default();
    let ready = steps.run("start PostgreSQL", || development.provide())?;
    ui::status(&format!(
        "PostgreSQL {} in {} ms: {}",
        describe(ready.outcome),
        steps.elapsed().as_millis(),
        ready.url
    ));
    if let Some(format) = export {
        let mut variables = export::variables(&ready, variable, holder);
        if let Some(template) = clone::latest_template(&ready.running, &ready.database)? {
            variables.push((export::TEMPLATE.to_owned(), template));
        }
        let text = export::render(format, &variables);
        ui::data(|out| out.write_all(text.as_bytes()))?;
    }
    Ok(ready)
}

fn describe(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "cluster created",
        Outcome::Recreated => "cluster made anew",
        Outcome::Started => "cluster started",
        Outcome::Attached => "cluster found running",
    }
}
