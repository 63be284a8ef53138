//! The verbs of `database`: they resolve values, run the command and print its report.

mod all;
mod backup;
mod cache;
mod clone;
mod config;
mod diff;
mod doctor;
mod draft;
mod gc;
mod new;
mod pull;
mod pull_check;
mod pull_scan;
mod run;
mod schema;
mod secrets;
pub(super) mod share;
mod snapshot;
mod status;
mod test;
mod verbs;
mod watch;

use super::args::database::{Arguments, Verb};
use super::args::diff::DiffFormat;
use super::guard::check_inherits;
use super::resolve::Resolve;
use crate::command::psql;
use crate::sys::error::{Error, Result};

pub(in crate::cli) fn execute(arguments: Arguments) -> Result<()> {
    let global = arguments.global;
    let mut resolve = Resolve::new(global.url.clone(), &["DB_URL", "PGURL"])?;
    resolve.remote = global.remote;
    let inherits = global.inherits.clone();
    if !inherits.is_empty() {
        tracing::warn!("--inherits is deprecated: the bundle enforces inheritance");
    }
    match arguments.verb {
        Verb::Init { fresh, export, listen, lease } => {
            verbs::init(&resolve.with_listen(listen.into()), fresh, export, &lease, &inherits)
        }
        Verb::Run(flags) => Err(run::run(&resolve, &flags)?),
        Verb::Clone(flags) => {
            check_inherits(&resolve, &inherits)?;
            clone::run(&resolve, &flags)
        }
        Verb::Deploy(flags) => {
            let resolve = resolve.with_listen(flags.listen.clone().into());
            verbs::deploy(&resolve, &flags, inherits)
        }
        Verb::Hydrate(flags) => verbs::run_hydrate(&resolve, &flags, inherits),
        Verb::Patch { edit: true } => verbs::edit_patch(&resolve),
        Verb::Patch { edit: false } => verbs::run_patch(&resolve, &inherits),
        Verb::Test(flags) => test::run(&resolve, &flags, &inherits),
        Verb::Check(flags) => {
            let saver = resolve.saver(&flags)?;
            verbs::check(&resolve, &flags, inherits, saver)
        }
        Verb::Watch(flags) => watch::run(&resolve, &global, &flags),
        Verb::Diff(flags) => {
            check_inherits(&resolve, &inherits)?;
            crate::cli::database::diff::run(&resolve, &flags)
        }
        Verb::Log { which } => verbs::show_log(&resolve, which.as_deref()),
        Verb::Cleanup => verbs::run_cleanup(&resolve),
        Verb::Backup { path } => {
            check_inherits(&resolve, &inherits)?;
            backup::run_backup(&resolve, path)
        }
        Verb::Restore(flags) => backup::run_restore(&resolve, &flags, &inherits),
        Verb::NormalizeBackup(flags) => backup::run_normalize(&resolve, flags),
        Verb::PullStaging(flags) => pull::run(&resolve, &flags),
        Verb::Snapshot { verb } => snapshot::run(&resolve, &verb, &inherits),
        Verb::Config { format } => config::run(&resolve, format),
        Verb::Status { all, format, json } => {
            let json = json || format == DiffFormat::Json;
            if all { all::show(&resolve, json) } else { status::show(&resolve, json) }
        }
        Verb::Gc { dry_run } => gc::run(&resolve, dry_run),
        // `cli::database` passes these to the migrator before it parses them
        Verb::Migrator { .. } => Err(Error::unexpected("`database migrator` was not understood")),
        Verb::Psql { arguments } => {
            check_inherits(&resolve, &inherits)?;
            Err(psql::run(&resolve.toolchain()?, &resolve.connection()?, &arguments)?)
        }
        Verb::Url => {
            check_inherits(&resolve, &inherits)?;
            verbs::show_url(&resolve)
        }
        Verb::Secrets { verb } => {
            check_inherits(&resolve, &inherits)?;
            secrets::run(&resolve, verb)
        }
        Verb::Cache { verb } => {
            check_inherits(&resolve, &inherits)?;
            cache::run(&resolve, &verb)
        }
        Verb::Doctor { format } => doctor::run(&resolve, format),
        Verb::Bundle { verb } => {
            check_inherits(&resolve, &inherits)?;
            verbs::run_bundle(&resolve, &verb)
        }
        Verb::Schema { verb } => {
            check_inherits(&resolve, &inherits)?;
            schema::run(&resolve, verb)
        }
        Verb::New(flags) => new::run(&resolve, &flags),
        Verb::Share { directory } => share::write(&directory),
    }
}
