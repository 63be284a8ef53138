//! `database pull_staging`: the variables, the arguments and the final report.

use std::time::Duration;

use super::{pull_check, pull_scan};
use crate::cli::args::pull::{Format, PullArguments};
use crate::cli::guard::unusable;
use crate::cli::output::{table, ui};
use crate::cli::resolve::Resolve;
use crate::command::pull_staging::PullStaging;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::pull;
use crate::pull::{Flags, Masks, Pattern, PullOptions, Pulled, Rule, Selection, Since};
use crate::sys::error::{Error, Result};
use crate::sys::shown::beginning;
use crate::sys::steps::Steps;

pub(in crate::cli) fn run(resolve: &Resolve, arguments: &PullArguments) -> Result<()> {
    let contract = RequiredVariables::of(resolve, arguments.direct)?;
    let workspace = resolve.workspace()?;
    let older = workspace.root.join("staging.toml");
    let section =
        resolve.env.project().map(|file| file.section("pull.mask", &older, Masks::of_project));
    let masks = match section.transpose()?.flatten() {
        Some(masks) => Some(masks),
        None => Masks::read(&older)?,
    };
    let flags = Flags::parse(&pull::split(&contract.flags)?)?;
    refuse_both(arguments)?;
    let into = into(resolve, arguments, contract.ssh_host.is_some())?;
    let place = into
        .as_ref()
        .map_or_else(|| workspace.patch.file.display().to_string(), ToString::to_string);
    let pull = PullStaging {
        by_pg_dump: by_pg_dump(resolve, arguments, &flags, masks.is_some())?,
        options: pull_options(arguments, &contract, &flags, masks)?,
        conninfo: conninfo(resolve, &contract.url, arguments.timeout)?,
        ssh_host: contract.ssh_host,
        file: workspace.patch.file,
        into,
        resume: arguments.resume,
        timeout: Duration::from_secs(arguments.timeout.into()),
        environment: resolve.environment(),
    };
    if arguments.check {
        return pull_check::run(resolve, &pull);
    }
    if arguments.scan {
        return pull_scan::run(&pull);
    }
    let pulled = Steps::default().run("pull", || pull.run())?;
    if !pulled.is_empty() {
        tell(&pulled);
    }
    ui::status(&format!("pulled: {place}"));
    Ok(())
}

/// The database to load into, if `--into-database` is given.
fn into(resolve: &Resolve, arguments: &PullArguments, by_ssh: bool) -> Result<Option<Conninfo>> {
    if !arguments.into_database {
        return Ok(None);
    }
    let conninfo = resolve.local_target()?;
    resolve.refuse_staging_seen(&conninfo, by_ssh)?;
    Ok(Some(conninfo))
}

/// Refuses options about the patch file together with `--into-database`.
fn refuse_both(arguments: &PullArguments) -> Result<()> {
    let about_file = [
        ("--format", arguments.format.is_some()),
        ("--resume", arguments.resume),
        ("--since", arguments.since.is_some()),
        ("--incremental", arguments.incremental),
    ];
    match about_file.iter().find(|(_, given)| arguments.into_database && *given) {
        None => Ok(()),
        Some((option, _)) => Err(Error::conflict(format!(
            "{option} is for the patch file, and --into-database writes no file"
        ))
        .hint(format!("omit {option} or --into-database"))),
    }
}

/// The four variables that a pull requires.
struct RequiredVariables {
    ssh_host: Option<String>,
    url: String,
    tables: String,
    flags: String,
}

impl RequiredVariables {
    /// Reads the variables. Exits with 3 and the name of the first one that is missing. Only the
    /// flags may be empty.
    fn of(resolve: &Resolve, direct: bool) -> Result<Self> {
        let named = |name| {
            let value = resolve.env.text(name)?.map(str::to_owned);
            value.ok_or_else(|| missing(name))
        };
        let ssh_host = match direct {
            true => None,
            false => Some(named("STAGING_SSH_HOST")?).filter(|host| host != "-"),
        };
        let (url, tables) = (named("STAGING_DB_URL")?, named("STAGING_DUMP_TABLES")?);
        let flags = match resolve.env.set("STAGING_DUMP_FLAGS") {
            None => return Err(missing("STAGING_DUMP_FLAGS")),
            Some(_) => resolve.env.text("STAGING_DUMP_FLAGS")?.unwrap_or_default().to_owned(),
        };
        Ok(Self { ssh_host, url, tables, flags })
    }
}

fn missing(name: &str) -> Error {
    let hint = match name {
        "STAGING_SSH_HOST" => {
            "set it to the host that ssh connects to, or to - (or give --direct) to go without"
        }
        "STAGING_DB_URL" => "set it to the staging database: postgresql://USER@HOST/DATABASE",
        "STAGING_DUMP_TABLES" => "set it to the tables to pull, with blanks between them",
        _ => "set it to flags of pg_dump, or to nothing: STAGING_DUMP_FLAGS=",
    };
    Error::missing(format!("{name} is not set")).hint(hint)
}

/// Decides whether `pg_dump` must do the pull because of a flag that only it can obey. Then options
/// that `pg_dump` does not have are errors.
fn by_pg_dump(
    resolve: &Resolve,
    arguments: &PullArguments,
    flags: &Flags,
    masked: bool,
) -> Result<Option<(Toolchain, Flags)>> {
    if flags.unknown.is_empty() {
        return Ok(None);
    }
    let unknown = flags.unknown.join(" ");
    let lost = [
        ("staging.toml", masked),
        ("--format", arguments.format.is_some()),
        ("--where", !arguments.conditions.is_empty()),
        ("--limit", !arguments.limits.is_empty()),
        ("--jobs", arguments.jobs > 1),
        ("--resume", arguments.resume),
        ("--since", arguments.since.is_some()),
        ("--incremental", arguments.incremental),
        ("--scan", arguments.scan),
        ("--into-database", arguments.into_database),
        ("--closure", arguments.closure),
    ];
    if let Some((option, _)) = lost.iter().find(|(_, given)| *given) {
        return Err(Error::conflict(format!(
            "only pg_dump can obey {unknown}, and it does not support {option}"
        ))
        .hint(format!("omit {option}, or remove these flags from STAGING_DUMP_FLAGS")));
    }
    tracing::warn!(
        "only pg_dump can obey {unknown}: it writes the file, which can be loaded only once"
    );
    Ok(Some((resolve.client()?, flags.clone())))
}

fn pull_options(
    arguments: &PullArguments,
    contract: &RequiredVariables,
    flags: &Flags,
    masks: Option<Masks>,
) -> Result<PullOptions> {
    let patterns =
        |names: &[String]| names.iter().map(|name| Pattern::parse(name)).collect::<Result<_>>();
    let mut include = pull::split_names(&contract.tables)?;
    include.extend(flags.include.iter().cloned());
    let format = match arguments.format {
        None if arguments.into_database => pull::Format::Copy,
        Some(Format::Copy) => pull::Format::Copy,
        Some(Format::Inserts) => pull::Format::Inserts,
        None => flags.format.unwrap_or_default(),
    };
    let limits = rules("limit", &arguments.limits)?;
    if let Some(rule) = limits.iter().find(|rule| rule.text.parse::<u64>().is_err()) {
        return Err(Error::conflict(format!(
            "--limit {}={} is not a number",
            rule.table,
            beginning(&rule.text)
        ))
        .hint("write it as in --limit shop.orders=1000"));
    }
    Ok(PullOptions {
        selection: Selection {
            include: patterns(&include)?,
            exclude: patterns(&flags.exclude)?,
            closure: arguments.closure,
        },
        format,
        rows_per_insert: flags.rows_per_insert.unwrap_or(1),
        keep_existing: flags.keep_existing,
        masks,
        conditions: rules("where", &arguments.conditions)?,
        limits,
        since: since(arguments)?,
        in_order: !arguments.into_database,
        jobs: arguments.jobs.into(),
    })
}

fn since(arguments: &PullArguments) -> Result<Option<Since>> {
    let since = match (&arguments.since, arguments.incremental) {
        (Some(column), _) => Since::Column(column.clone()),
        (None, true) => Since::Usual,
        (None, false) => return Ok(None),
    };
    if let Some(limit) = arguments.limits.first() {
        return Err(Error::conflict(format!(
            "--limit {limit}: an incremental pull cannot start from a part of a table"
        ))
        .hint("omit --limit, or --since and --incremental"));
    }
    Ok(Some(since))
}

/// Parses `TABLE=TEXT`.
fn rules(option: &str, given: &[String]) -> Result<Vec<Rule>> {
    let rule = |given: &String| {
        let found =
            given.split_once('=').filter(|(table, text)| !table.is_empty() && !text.is_empty());
        let (table, text) = found.ok_or_else(|| {
            Error::conflict(format!("--{option} {given} is not of the form TABLE=…"))
                .hint(format!("write it as in --{option} shop.orders=…"))
        })?;
        Ok(Rule { table: table.to_owned(), text: text.to_owned() })
    };
    given.iter().map(rule).collect()
}

/// The connection to staging.
fn conninfo(resolve: &Resolve, url: &str, timeout: u32) -> Result<Conninfo> {
    let url = PgUrl::parse(url).map_err(unusable)?;
    resolve.staging(&url.with_default("connect_timeout", &timeout.to_string()))
}

fn tell(pulled: &[Pulled]) {
    let rows = pulled.iter().map(|one| {
        let time = table::milliseconds(one.elapsed.as_secs_f64() * 1000.0);
        [
            one.table.clone(),
            one.amount.rows.to_string(),
            one.amount.bytes.to_string(),
            time,
            one.verdict.to_string(),
        ]
    });
    for line in table::render(&["table", "rows", "bytes", "time", "verdict"], rows).lines() {
        ui::status(line);
    }
}
