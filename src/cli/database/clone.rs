//! `database clone`: resolves values, runs the command and prints its report.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::cli::args::bundle::BundleArguments;
use crate::cli::args::clone::{CloneArguments, CloneParts, CloneVerb};
use crate::cli::args::init::LeaseArguments;
use crate::cli::duration::duration;
use crate::cli::guard::{refuse_elsewhere, refuse_other_cluster};
use crate::cli::output::text::{span, time_of};
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::cluster::Existing;
use crate::command::clone;
use crate::command::content::Content;
use crate::environment::clone::{CloneOptions, Database, Owner, now};
use crate::environment::development::Development;
use crate::project::patch::Patch;
use crate::project::source::Source;
use crate::sys::error::{Error, Result};

/// The time to live of a clone, unless the user says another one.
pub(super) const TTL: Duration = Duration::from_secs(3600);

pub(super) fn run(resolve: &Resolve, arguments: &CloneArguments) -> Result<()> {
    let development = development(resolve)?;
    match &arguments.verb {
        None => {
            let options = options(arguments)?;
            let content = content(resolve, arguments.parts)?;
            let made = clone::make(development, content, &options)?;
            ui::data(|out| writeln!(out, "{}", made.url.to_url()))
        }
        Some(CloneVerb::List { json }) => list(&clone::list(&development)?, *json),
        Some(CloneVerb::Drop { names, all }) => {
            let names = (!all).then_some(&names[..]);
            tell("dropped", &clone::drop(&development, names)?);
            Ok(())
        }
        Some(CloneVerb::Keep { names, ttl: time }) => {
            clone::keep(&development, names, ttl(time.as_deref())?.unwrap_or(TTL))?;
            tell("kept", names);
            Ok(())
        }
        Some(CloneVerb::Prune) => {
            tell("dropped", &clone::prune(&development)?);
            Ok(())
        }
        Some(CloneVerb::Template { parts }) => {
            let name = clone::template(development, content(resolve, *parts)?)?;
            ui::data(|out| writeln!(out, "{name}"))
        }
    }
}

/// The development cluster, if the project's connection leads to it.
pub(super) fn development(resolve: &Resolve) -> Result<Development> {
    refuse_elsewhere(resolve)?;
    refuse_other_cluster(resolve, &resolve.layout()?)?;
    resolve.development(Existing::Keep, true, &LeaseArguments::default())
}

/// The content of clones. psql's output goes nowhere: standard output has the URL only.
pub(super) fn content(resolve: &Resolve, parts: CloneParts) -> Result<Content> {
    let workspace = resolve.workspace()?;
    let nowhere = || Some(PathBuf::from("/dev/null"));
    let patch = || Patch::of(&workspace, nowhere());
    Ok(Content {
        bundle: resolve.bundle(BundleArguments::default())?,
        secrets: resolve.secrets(None),
        source: Some(Source::of(&workspace, parts.mock, nowhere())?),
        patch: parts.patch.then(patch).transpose()?,
        inherits: Vec::new(),
        cached: false,
        project: Some(workspace.root.clone()),
    })
}

fn options(arguments: &CloneArguments) -> Result<CloneOptions> {
    let default = (!arguments.keep && arguments.owner.is_none()).then_some(TTL);
    Ok(CloneOptions {
        name: arguments.name.clone(),
        ttl: ttl(arguments.ttl.as_deref())?.or(default),
        owner: arguments.owner.map(Owner::of).transpose()?,
    })
}

/// The time to live of a clone.
pub(super) fn ttl(text: Option<&str>) -> Result<Option<Duration>> {
    let Some(text) = text else { return Ok(None) };
    let ttl = duration("--ttl", text)?;
    if ttl.as_secs() == 0 {
        return Err(Error::conflict("--ttl is less than a second")
            .hint("name a time such as 10min, or omit it for an hour"));
    }
    Ok(Some(ttl))
}

fn tell(what: &str, names: &[String]) {
    match names {
        [] => ui::status("no clones to drop"),
        names => names.iter().for_each(|name| ui::status(&format!("{what}: {name}"))),
    }
}

fn list(all: &[Database], json: bool) -> Result<()> {
    if all.is_empty() && !json {
        ui::status("no clones");
        return Ok(());
    }
    ui::data(
        |out| {
            if json { writeln!(out, "{}", as_json(all)) } else { write!(out, "{}", as_text(all)) }
        },
    )
}

fn as_json(all: &[Database]) -> serde_json::Value {
    let objects = all.iter().filter_map(|one| {
        let note = one.note.as_ref()?;
        Some(json!({
            "name": one.name, "database": note.database, "made": time_of(note.made, 'T', "Z"),
            "expires": note.expires.map(|time| time_of(time, 'T', "Z")),
            "owner": note.owner.map(|owner| owner.pid), "sessions": one.sessions,
        }))
    });
    objects.collect()
}

fn as_text(all: &[Database]) -> String {
    let rows = all.iter().filter_map(|one| {
        let note = one.note.as_ref()?;
        let made = time_of(note.made, ' ', "");
        Some([one.name.clone(), made, end_of(one), one.sessions.to_string()])
    });
    table::render(&["Name", "Made (UTC)", "Goes", "Sessions"], rows)
}

/// The condition under which the next command drops a clone.
fn end_of(database: &Database) -> String {
    let Some(note) = &database.note else { return String::new() };
    let in_time = note.expires.map(|time| match time.saturating_sub(now()) {
        0 => "now".to_owned(),
        left => format!("in {}", span(Duration::from_secs(left))),
    });
    let with_owner = note.owner.map(|owner| format!("with process {}", owner.pid));
    match (in_time, with_owner) {
        (Some(time), Some(owner)) => format!("{time} or {owner}"),
        (time, owner) => time.or(owner).unwrap_or_else(|| "stays".to_owned()),
    }
}
