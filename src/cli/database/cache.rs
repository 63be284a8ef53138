//! `database cache`: shows and removes the cached templates and states, and takes them elsewhere.

use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::args::cache::CacheVerb;
use crate::cli::args::diff::DiffFormat;
use crate::cli::output::text::{size, span, templates};
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::cluster::{Template, cache_usage, transfer};
use crate::sys::error::{Error, Result};

pub(super) fn run(resolve: &Resolve, verb: &CacheVerb) -> Result<()> {
    let (cache, all) = resolve.kept_templates()?;
    match verb {
        CacheVerb::List { format } => list(&cache, &all, *format),
        CacheVerb::Rm { all: true, .. } => remove(&all.iter().collect::<Vec<_>>()),
        CacheVerb::Rm { names, .. } => {
            let found = names.iter().map(|name| named(&all, name)).collect::<Result<Vec<_>>>()?;
            remove(&found)
        }
        CacheVerb::Gc => {
            remove(&all.iter().filter(|template| template.is_surplus).collect::<Vec<_>>())
        }
        CacheVerb::Path => {
            // somebody is about to take the directory to another machine
            let mut templates = all.iter().filter(|one| !one.is_spare());
            templates.try_for_each(|one| transfer::make_lasting(&one.path))?;
            ui::data(|out| writeln!(out, "{}", cache.display()))
        }
        CacheVerb::Export { file } => export(resolve, &all, file),
        CacheVerb::Import { file } => import(&cache, file),
    }
}

fn list(cache: &Path, all: &[Template], format: DiffFormat) -> Result<()> {
    let seconds = |time: SystemTime| time.elapsed().map_or(0, |age| age.as_secs());
    if format == DiffFormat::Json {
        let object = |template: &Template| {
            let description = template.description();
            json!({
                "name": template.name(),
                "kind": template.kind(),
                "project": description.as_ref().and_then(|found| found.project.clone()),
                "bytes": template.bytes,
                "age_seconds": description.as_ref().map(|found| seconds(found.made())),
                "idle_seconds": seconds(template.used),
                "secrets": description.is_some_and(|found| found.sealed),
            })
        };
        let objects: Vec<_> = all.iter().map(object).collect();
        return ui::data(|out| writeln!(out, "{}", json!(objects)));
    }
    let row = |template: &Template| {
        let description = template.description();
        let made = description.as_ref().and_then(|found| found.made().elapsed().ok());
        let project = description.as_ref().and_then(|found| found.project.as_ref());
        [
            template.name(),
            template.kind().to_owned(),
            size(template.bytes),
            made.map_or_else(|| "-".to_owned(), span),
            span(template.used.elapsed().unwrap_or_default()),
            if description.as_ref().is_some_and(|found| found.sealed) { "yes" } else { "no" }
                .into(),
            project.map_or_else(|| "-".to_owned(), |project| project.display().to_string()),
        ]
    };
    let heads = ["name", "kind", "size", "age", "last use", "secrets", "project"];
    let text = table::render(&heads, all.iter().map(row));
    ui::data(|out| write!(out, "{text}"))?;
    ui::status(&templates(cache_usage(cache)));
    Ok(())
}

/// The only one whose name begins with `name`.
fn named<'a>(all: &'a [Template], name: &str) -> Result<&'a Template> {
    let mut found = all.iter().filter(|template| template.name().starts_with(name));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::conflict(format!("several names begin with {name}"))
            .hint("write more of the name; `database cache list` shows all")),
        (None, _) => Err(Error::missing(format!("the cache has no template and no state {name}"))
            .hint("`database cache list` shows all names")),
    }
}

fn remove(templates: &[&Template]) -> Result<()> {
    let mut bytes = 0;
    let mut removed = 0_usize;
    for template in templates {
        if template.remove() {
            (removed, bytes) = (removed + 1, bytes + template.bytes);
            ui::status(&format!("removed: {}", template.name()));
        } else {
            ui::status(&format!("{} is in use now, so it stays", template.name()));
        }
    }
    ui::status(&format!("{removed} removed, {}", size(bytes)));
    Ok(())
}

fn export(resolve: &Resolve, all: &[Template], file: &Path) -> Result<()> {
    let project = resolve.workspace().ok().map(|workspace| workspace.root);
    let done = transfer::export(all, project.as_deref(), file)?;
    for (name, why) in &done.left {
        ui::status(&format!("left out: {name}: {why}"));
    }
    ui::status(&format!("exported: {} states to {}", done.done.len(), file.display()));
    Ok(())
}

fn import(cache: &Path, file: &Path) -> Result<()> {
    let done = transfer::import(cache, file)?;
    for (name, why) in &done.left {
        ui::status(&format!("left out: {name}: {why}"));
    }
    ui::status(&format!("imported: {} states from {}", done.done.len(), file.display()));
    ui::status("their databases hold what the maker of the file put into them");
    Ok(())
}
