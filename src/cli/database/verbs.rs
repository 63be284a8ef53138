//! The verbs of `database`: they resolve values, run the command and print its report.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::bundle::inherits;
use crate::cli::args::bundle::BundleVerb;
use crate::cli::args::database::{CheckArguments, DeployArguments, HydrateArguments};
use crate::cli::args::init::LeaseArguments;
use crate::cli::cluster::init;
use crate::cli::database::test;
use crate::cli::guard::{refuse_elsewhere, refuse_other_cluster};
use crate::cli::output::export::Format;
use crate::cli::output::text::{span, time_of, timing};
use crate::cli::output::{pager, table, ui};
use crate::cli::resolve::Resolve;
use crate::cluster::Existing;
use crate::command::check::{Check, Checked};
use crate::command::content::{Content, Progress};
use crate::command::deploy::Deploy;
use crate::command::{bundle, cleanup, hydrate, log, patch};
use crate::environment::development::Swap;
use crate::environment::private::{Kept, PrivateClusterSpec};
use crate::environment::saver::{Job, SaverProgram};
use crate::project::patch::Patch;
use crate::project::source::Source;
use crate::project::workspace::Workspace;
use crate::pull::{TableReceipt, Verdict};
use crate::sys::error::{Error, Result};

pub(in crate::cli) fn init(
    resolve: &Resolve,
    fresh: bool,
    export: Option<Format>,
    lease: &LeaseArguments,
    tables: &[String],
) -> Result<()> {
    refuse_elsewhere(resolve)?;
    let ready = init::provide(resolve, resolve.existing(fresh), true, export, lease)?;
    if tables.is_empty() {
        return Ok(());
    }
    inherits::check(&ready.conninfo()?, tables)
}

pub(in crate::cli) fn deploy(
    resolve: &Resolve,
    flags: &DeployArguments,
    inherits: Vec<String>,
) -> Result<()> {
    let workspace = resolve.workspace()?;
    refuse_elsewhere(resolve)?;
    let keeps = flags.reuse || resolve.env.os("PG_REUSE").is_some();
    let existing = if keeps { Existing::Keep } else { Existing::Replace };
    let parts = &flags.parts;
    let (hydrate, patch) = (!parts.no_hydrate && !flags.reuse, !parts.no_patch && !flags.reuse);
    if patch {
        crate::project::patch::create_default(&workspace)?;
    }
    let content = Content {
        bundle: resolve.bundle(parts.bundle)?,
        secrets: resolve.secrets(parts.dotenv_file.as_deref()),
        source: hydrate.then(|| source(&workspace, parts.mock)).transpose()?,
        patch: patch.then(|| Patch::of(&workspace, workspace.patch_log.clone())).transpose()?,
        inherits,
        cached: resolve.caches(parts.no_cache)?,
        project: Some(workspace.root.clone()),
    };
    let development = resolve.development(existing, true, &LeaseArguments::default())?;
    let deploy = Deploy { development, content, stop_after: flags.cleanup, plan: None };
    let deployed = deploy.run()?;
    let state = if deployed.stopped { "deployed and stopped" } else { "deployed" };
    let earlier = tell_earlier(deployed.earlier);
    ui::status(&format!("{state}: {}{earlier}{}", deployed.url, timing(&deployed.steps)));
    if let Some(swap) = &deployed.swap {
        tell_swap(swap);
    }
    Ok(())
}

/// Prints the fate of the cluster that `deploy` replaced.
fn tell_swap(swap: &Swap) {
    match swap.ended {
        0 => {}
        1 => ui::status("1 session in the old cluster was ended"),
        more => ui::status(&format!("{more} sessions in the old cluster were ended")),
    }
    match swap.clones {
        0 => {}
        1 => {
            tracing::warn!("the old cluster had a clone of a database, which is not in the new one")
        }
        more => {
            tracing::warn!(
                "the old cluster had {more} clones of databases, which are not in the new one"
            );
        }
    }
    if swap.saved {
        ui::status("the old cluster is kept: database snapshot restore before-deploy");
    }
    if let Some(kept) = &swap.kept {
        ui::status(&format!("the old cluster is in {}", kept.display()));
    }
}

pub(in crate::cli) fn run_hydrate(
    resolve: &Resolve,
    flags: &HydrateArguments,
    inherits: Vec<String>,
) -> Result<()> {
    let workspace = resolve.workspace()?;
    let content = Content {
        bundle: resolve.bundle(flags.bundle())?,
        source: Some(source(&workspace, flags.mock)?),
        secrets: resolve.secrets(flags.dotenv_file.as_deref()),
        patch: None,
        inherits,
        cached: false,
        project: None,
    };
    let connection = resolve.target()?;
    let steps = hydrate::run(&resolve.toolchain()?, &connection, &content)?;
    ui::status(&format!("hydrated: {connection}{}", timing(&steps)));
    Ok(())
}

pub(in crate::cli) fn run_patch(resolve: &Resolve, inherits: &[String]) -> Result<()> {
    let workspace = resolve.workspace()?;
    let connection = match patch::was_pulled(&workspace) {
        true => resolve.local_target()?,
        false => resolve.target()?,
    };
    let (steps, loaded) = patch::run(&resolve.toolchain()?, &connection, &workspace, inherits)?;
    tell_loaded(&loaded);
    ui::status(&format!("patched: {connection}{}", timing(&steps)));
    Ok(())
}

/// Prints the rows of staging that the patch file has loaded. The file fails if a row differs from
/// the pull.
fn tell_loaded(loaded: &[TableReceipt]) {
    if loaded.is_empty() {
        return;
    }
    let rows = loaded.iter().map(|content| {
        let verdict =
            if content.keeps { Verdict::Kept } else { Verdict::Equal { but: Vec::new() } };
        [content.table.clone(), content.rows.to_string(), verdict.to_string()]
    });
    for line in table::render(&["table", "rows", "verdict"], rows).lines() {
        ui::status(line);
    }
}

pub(in crate::cli) fn edit_patch(resolve: &Resolve) -> Result<()> {
    let editor = match resolve.env.text("VISUAL")? {
        Some(editor) => editor,
        None => resolve.env.text("EDITOR")?.unwrap_or("vi"),
    };
    Err(patch::edit(&resolve.workspace()?, editor, &resolve.environment()))
}

pub(in crate::cli) fn check(
    resolve: &Resolve,
    flags: &CheckArguments,
    inherits: Vec<String>,
    saver: Option<SaverProgram>,
) -> Result<()> {
    let workspace = resolve.workspace()?;
    // a check writes no file of the project, not even logs
    let nowhere = || Some(PathBuf::from("/dev/null"));
    let parts = &flags.parts;
    let source = || Source::of(&workspace, parts.mock, nowhere());
    let patch = || Patch::of(&workspace, nowhere());
    let content = Content {
        // the cluster has it from the beginning
        bundle: None,
        source: (!parts.no_hydrate).then(source).transpose()?,
        patch: (!parts.no_patch).then(patch).transpose()?,
        secrets: resolve.secrets(parts.dotenv_file.as_deref()),
        inherits,
        cached: resolve.caches_checks(parts.no_cache)?,
        project: Some(workspace.root.clone()),
    };
    let bundle = resolve.bundle(parts.bundle)?.filter(|_| content.source.is_some());
    let private = PrivateClusterSpec { keep: flags.keep, ..resolve.private(bundle)? };
    let (tests, report) = test::of_check(resolve, &workspace, &flags.tests)?.unzip();
    // tests run in the cluster before a saver could take it over
    let saver = saver.filter(|_| tests.is_none());
    let check = Check { private, toolchain: resolve.toolchain()?, content, saver, tests };
    if let Some(job) = &flags.save_states {
        return check.save_states(&job_of(job)?);
    }
    let checked = check.run()?;
    if let Some(report) = report {
        report.whole(&checked.outcomes)?;
    }
    tell_checked(checked)
}

/// Prints how a check has ended.
fn tell_checked(checked: Checked) -> Result<()> {
    let Checked { outcomes, steps, kept, earlier } = checked;
    let verdict = test::verdict(&outcomes, "the project itself deploys");
    if verdict.is_ok() {
        let tests =
            test::summary(&outcomes).map_or_else(String::new, |summary| format!(", {summary}"));
        ui::status(&format!("check passed{tests}{}{}", tell_earlier(earlier), timing(&steps)));
    }
    if let Some(kept) = kept {
        tell_kept("kept running", &kept);
    }
    verdict
}

/// The work of a saver. Only db-tool itself writes it.
fn job_of(text: &str) -> Result<Job> {
    serde_json::from_str(text)
        .map_err(|error| Error::conflict(format!("--save-states is only for db-tool: {error}")))
}

/// Says which part of the content is not new, so that nobody takes an old result for a new one.
fn tell_earlier(earlier: Option<(Progress, SystemTime)>) -> String {
    let Some((progress, made)) = earlier else { return String::new() };
    let what = match progress {
        Progress::Patched => "hydrated and patched earlier",
        Progress::Hydrated | Progress::Prepared => "hydrated earlier",
    };
    let since = made.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    format!(", {what} (unchanged since {})", time_of(since, ' ', " UTC"))
}

/// Prints how to connect to a private cluster that was kept, and how to remove it.
pub(in crate::cli) fn tell_kept(what: &str, kept: &Kept) {
    ui::status(&format!("{what}: {}", kept.way_in()));
    ui::status(&format!("remove it:    {}", kept.removal()));
}

fn source(workspace: &Workspace, mock: bool) -> Result<Source> {
    Source::of(workspace, mock, workspace.hydrate_log.clone())
}

pub(in crate::cli) fn show_log(resolve: &Resolve, which: Option<&str>) -> Result<()> {
    let logs = log::list(&resolve.log_directories()?);
    if which != Some("list") {
        return pager::show(resolve, &log::select(logs, which)?.path);
    }
    ui::data(|out| {
        for (index, log) in logs.iter().enumerate() {
            let age = log.modified.elapsed().unwrap_or(Duration::ZERO);
            writeln!(
                out,
                "{:>3}  {:>10}  {:>8} ago  {}",
                index + 1,
                log.size,
                span(age),
                log.name
            )?;
        }
        Ok(())
    })
}

pub(in crate::cli) fn run_cleanup(resolve: &Resolve) -> Result<()> {
    refuse_elsewhere(resolve)?;
    let layout = resolve.layout()?;
    refuse_other_cluster(resolve, &layout)?;
    let cleaned = cleanup::remove(&layout)?;
    let place = layout.working_directory().display();
    if cleaned.gone {
        ui::status(&format!("removed: {place}"));
        return Ok(());
    }
    let mut removed = format!("removed the cluster in {place}");
    if !cleaned.snapshots.is_empty() {
        let names = cleaned.snapshots.join(", ");
        removed += &format!("; its snapshots stay (`database snapshot rm` removes one): {names}");
    }
    if !cleaned.left.is_empty() {
        removed += "; these files are not from db-tool and stay:";
    }
    ui::status(&removed);
    for path in &cleaned.left {
        ui::status(&format!("  {}", path.display()));
    }
    Ok(())
}

pub(in crate::cli) fn show_url(resolve: &Resolve) -> Result<()> {
    let url = resolve.connection_url()?.to_url();
    ui::data(|out| writeln!(out, "{url}"))
}

pub(in crate::cli) fn run_bundle(resolve: &Resolve, verb: &BundleVerb) -> Result<()> {
    match verb {
        BundleVerb::Status => {
            let found = bundle::status(&resolve.connection()?)?;
            ui::data(|out| writeln!(out, "{found}"))
        }
        BundleVerb::Upgrade { bundle: chosen } => {
            let default = resolve.bundle(*chosen)?;
            let wanted = default.filter(|_| chosen.bundle.is_some());
            if default.is_none() && (chosen.no_hook || chosen.bundle.is_some()) {
                return Err(crate::bundle::is_off("there is nothing to upgrade"));
            }
            let (target, keys) = (resolve.target()?, resolve.keys());
            ui::status(&bundle::upgrade(&target, &keys, wanted, default)?);
            Ok(())
        }
    }
}
