//! `database diff`: arguments, sides, output.

use std::path::{Path, PathBuf};

use time::{Date, OffsetDateTime};

use super::{backup, draft, verbs};
use crate::backup::Backup;
use crate::cli::args::diff::{DiffArguments, DiffFormat};
use crate::cli::config::ProjectFile;
use crate::cli::migrator::settings;
use crate::cli::output::{diff, pager, ui};
use crate::cli::resolve::Resolve;
use crate::command::content::Content;
use crate::command::diff::{Against, Diff, Outcome, Report, SideSpec, Weight};
use crate::compare::drift::{Class, Rules};
use crate::compare::rows;
use crate::environment::private;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::project::source::Source;
use crate::project::workspace::{Workspace, require_file};
use crate::sys::error::{Context, Error, IoContext, Kind, Result};
use crate::sys::file;
use crate::sys::shown::beginning;

/// The default file of rules, in `DATABASE_DIR`.
const IGNORE_FILE: &str = "diff-ignore.toml";

pub(in crate::cli) fn run(resolve: &Resolve, flags: &DiffArguments) -> Result<()> {
    let (weight, ignored, outcome) = compared(resolve, flags).map_err(never_one)?;
    draft::tell(outcome.as_ref())?;
    tell(weight, ignored)
}

/// Replaces exit code 1 by 13, because 1 means that there are differences.
fn never_one(error: Error) -> Error {
    match error.kind() {
        Kind::Failed | Kind::Sql => error.with_kind(Kind::Unexpected),
        _ => error,
    }
}

/// Compares and prints the differences. Returns also the number of differences that rules set
/// aside, and the result of the draft.
fn compared(resolve: &Resolve, flags: &DiffArguments) -> Result<(Weight, usize, Option<Outcome>)> {
    let counting = counting(flags)?;
    let draft =
        draft::wanted(resolve, flags.write_migration.as_ref(), flags.with_roles, &counting)?;
    let against = against(resolve, flags)?;
    let workspace = resolve.workspace()?;
    let rules = rules(&workspace, flags.ignore_file.as_deref(), resolve.env.project())?;
    let bundle = resolve.bundle(flags.bundle)?;
    let spec = SideSpec {
        private: private::PrivateClusterSpec { keep: flags.keep, ..resolve.private(bundle)? },
        toolchain: resolve.toolchain()?,
        content: Content {
            // the clusters have it from the beginning
            bundle: None,
            secrets: resolve.secrets(None),
            source: Some(Source::of(&workspace, flags.mock, Some(PathBuf::from("/dev/null")))?),
            patch: None,
            inherits: Vec::new(),
            cached: resolve.caches(flags.no_cache)?,
            project: Some(workspace.root.clone()),
        },
        migrations: settings::project(resolve, bundle)?,
        ignore_failure: flags.ignore_migration_fail,
    };
    let rows = rows::RowSelection {
        tables: flags.tables.clone(),
        all_columns: flags.all_columns,
        every_row: flags.write_migration.is_some(),
    };
    let (against_this, today) = (against.clone(), today());
    let diff = Diff { spec: &spec, against: against_this, rows, draft, rules, today };
    let mut report = diff.run()?;
    if let Against::Backup(backup) = &against {
        backup::tell_age(backup, report.behind);
    }
    let weight = report.weigh(&counting);
    show(resolve, flags, &report, weight)?;
    for (side, kept) in ["A", "B"].iter().zip(&report.kept) {
        verbs::tell_kept(&format!("side {side} is kept"), kept);
    }
    Ok((weight, report.ignored.len(), report.draft.take()))
}

/// Reads the rules from the file that the user named, or from the default file if it exists.
fn rules(
    workspace: &Workspace,
    named: Option<&Path>,
    project: Option<&ProjectFile>,
) -> Result<Rules> {
    let default = workspace.database_directory.join(IGNORE_FILE);
    let file = named.unwrap_or(&default);
    let section = project.filter(|_| named.is_none());
    let section = section.map(|project| project.section("[diff.ignore]", file, Rules::of_project));
    if let Some(rules) = section.transpose()?.flatten() {
        return Ok(told(rules));
    }
    if named.is_some() {
        require_file(file, "the file of rules", "create it, or omit --ignore-file")?;
    } else if !file.exists() {
        return Ok(Rules::default());
    }
    let text = crate::sys::process::read_text(file).on("read", file)?;
    let rules = Rules::parse(&text).map_err(|error| {
        error.hint(format!("correct {}; docs/guide/diff.md describes the rules", file.display()))
    })?;
    Ok(told(rules))
}

/// Warns about rules that have expired.
fn told(rules: Rules) -> Rules {
    for rule in rules.expired(today()) {
        let until = rule.until.map(|date| date.to_string()).unwrap_or_default();
        tracing::warn!("the rule for \"{}\" expired on {until}: {}", rule.object, rule.reason);
    }
    rules
}

fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

fn against(resolve: &Resolve, flags: &DiffArguments) -> Result<Against> {
    match &flags.against {
        Some(url) => {
            let url = PgUrl::parse(url);
            let conninfo = url.and_then(|url| Conninfo::resolve(&url, &resolve.libpq()));
            Ok(Against::Database(conninfo.map_err(|e| e.context("cannot use --against"))?))
        }
        None if flags.from_migrations => Ok(Against::Migrations),
        None => {
            let place = backup::place(resolve, flags.backup.as_deref())?;
            let backup = Backup::open(&place)
                .hint("--from-migrations compares with the migrations, applied to a new database")
                .hint("--against URL compares with an existing database")?;
            Ok(Against::Backup(backup))
        }
    }
}

fn counting(flags: &DiffArguments) -> Result<Vec<Class>> {
    let mut counting: Vec<Class> = match flags.fail_on.is_empty() {
        true => Class::DEFAULT.to_vec(),
        false => flags.fail_on.iter().map(|name| class(name.trim())).collect::<Result<_>>()?,
    };
    if flags.strict_order {
        counting.push(Class::Order);
    }
    Ok(counting)
}

fn class(name: &str) -> Result<Class> {
    let known = Class::ALL.map(Class::as_str).join(", ");
    Class::ALL.into_iter().find(|class| class.as_str() == name).ok_or_else(|| {
        let what = format!("there is no class {} of differences", beginning(name));
        Error::new(Kind::UnknownArgument, what).hint(format!("there are: {known}"))
    })
}

fn show(resolve: &Resolve, flags: &DiffArguments, report: &Report, weight: Weight) -> Result<()> {
    let text = match flags.format {
        DiffFormat::Text => diff::text(report),
        DiffFormat::Json => diff::json(report, weight)?,
    };
    match &flags.output {
        Some(path) => file::replace(path, &text),
        None if text.is_empty() => Ok(()),
        None if flags.format == DiffFormat::Text && ui::is_coloured() => {
            pager::show_text(resolve, &diff::coloured(&text))
        }
        None if flags.format == DiffFormat::Text => pager::show_text(resolve, &text),
        None => ui::data(|out| out.write_all(text.as_bytes())),
    }
}

fn tell(weight: Weight, ignored: usize) -> Result<()> {
    let others = |other| match ignored {
        0 => format!("{other} others"),
        ignored => format!("{other} others, {ignored} ignored"),
    };
    match weight {
        Weight { counting: 0, other: 0 } if ignored == 0 => Ok(()),
        Weight { counting: 0, other } => {
            ui::status(&format!("no difference that counts, {}", others(other)));
            Ok(())
        }
        Weight { counting, other } => {
            let differences =
                if counting == 1 { "difference that counts" } else { "differences that count" };
            Err(Error::failed(format!("{counting} {differences}, {}", others(other))))
        }
    }
}
