//! `postgres-init`: provides a cluster without the bundle.

use crate::cli::args::init::Arguments;
use crate::cli::output::export;
use crate::cli::output::export::Format;
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::cluster::{Existing, Outcome};
use crate::environment::development::{Development, Ready};
use crate::sys::error::Result;
use crate::sys::steps::Steps;

pub(in crate::cli) fn execute(arguments: Arguments) -> Result<()> {
    let resolve = Resolve::new(None, &["DB_URL"])?.with_listen(arguments.listen.into());
    let existing = resolve.existing(arguments.fresh);
    provide(&resolve, existing, false, arguments.export).map(drop)
}

/// Provides the cluster and prints its URL; `database init` uses it, too.
pub(in crate::cli) fn provide(
    resolve: &Resolve,
    existing: Existing,
    url_must_match: bool,
    export: Option<Format>,
) -> Result<Ready> {
    let variable = export::check_name(resolve.env.text("PG_URL_VAR")?.unwrap_or("PGURL"))?;
    let development = development(resolve, existing, url_must_match)?;
    let mut steps = Steps::default();
    let ready = steps.run("start PostgreSQL", || development.provide())?;
    ui::status(&format!(
        "PostgreSQL {} in {} ms: {}",
        describe(ready.outcome),
        steps.elapsed().as_millis(),
        ready.url
    ));
    if let Some(format) = export {
        let text = export::render(format, &export::variables(&ready, variable));
        ui::data(|out| out.write_all(text.as_bytes()))?;
    }
    Ok(ready)
}

/// Builds the description of the development cluster from the environment.
pub(in crate::cli) fn development(
    resolve: &Resolve,
    existing: Existing,
    url_must_match: bool,
) -> Result<Development> {
    let url = resolve.project_url()?.cloned();
    url.iter().try_for_each(|(_, conninfo)| resolve.refuse_staging(conninfo))?;
    let layout = resolve.layout()?;
    let toolchain = resolve.toolchain()?;
    let (spec, options) = (resolve.spec(layout)?, resolve.options()?);
    Ok(Development { spec, toolchain, existing, url, url_must_match, options })
}

fn describe(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "cluster created",
        Outcome::Recreated => "cluster made anew",
        Outcome::Started => "cluster started",
        Outcome::Attached => "cluster found running",
    }
}
