//! `database doctor`: checks every precondition in the same way as the other verbs.

use crate::cli::output::text::{logs, templates};
use crate::cli::output::ui;
use crate::cli::resolve::Resolve;
use crate::cluster::{self, Layout, Liveness, Preload, is_meant_by};
use crate::command::doctor::{Diagnosis, Verdict};
use crate::postgres::connection::session::Session;
use crate::project::workspace::require_file;
use crate::sys::error::{Error, Result};

/// Checks and prints the findings. If a precondition is not met, fails with the exit code of the
/// first one.
pub(in crate::cli) fn run(resolve: &Resolve) -> Result<()> {
    let mut diagnosis = Diagnosis::default();
    programs(resolve, &mut diagnosis);
    project(resolve, &mut diagnosis);
    let layout = diagnosis.look("working directory", resolve.layout(), |layout: &Layout| {
        layout.working_directory().display().to_string()
    });
    if let Some(layout) = layout {
        cluster(resolve, layout, &mut diagnosis);
    }
    connection(resolve, &mut diagnosis);
    print(&diagnosis)?;
    match diagnosis.first_problem() {
        None => Ok(()),
        Some(problem) => Err(Error::new(problem.kind(), "not everything is in order")),
    }
}

fn programs(resolve: &Resolve, diagnosis: &mut Diagnosis) {
    let toolchain = resolve.toolchain();
    let Some(toolchain) = diagnosis.look("PostgreSQL programs", toolchain, |toolchain| {
        toolchain.bindir().display().to_string()
    }) else {
        return;
    };
    diagnosis.look("PostgreSQL version", toolchain.version().cloned(), |v| v.number().to_owned());
    let spec = resolve.throwaway_spec();
    let Some(spec) = diagnosis
        .look("settings", spec, |spec| format!("database {}, port {}", spec.database, spec.port))
    else {
        return;
    };
    match (&spec.preload, toolchain.has_library("pg_cron")) {
        (Preload::Default, false) => diagnosis.note(
            "preload libraries",
            "pg_cron, the default, is not installed",
            "install it, or set PG_SHARED_PRELOAD_LIBRARIES='' to do without",
        ),
        _ => {
            let libraries = spec.preload_libraries(&toolchain);
            diagnosis.look("preload libraries", libraries, |list| match list.as_str() {
                "" => "none".to_owned(),
                list => list.to_owned(),
            });
        }
    }
    match &spec.template_cache {
        Some(cache) => {
            diagnosis.look("template cache", cluster::private_directory(cache), |()| {
                format!("{}, {}", cache.display(), templates(cluster::cache_usage(cache)))
            });
        }
        None => diagnosis.note(
            "template cache",
            "off: every new cluster runs initdb",
            "unset PG_TEMPLATE, and make XDG_CACHE_HOME or HOME writable",
        ),
    }
}

fn project(resolve: &Resolve, diagnosis: &mut Diagnosis) {
    let workspace = resolve.workspace();
    let Some(workspace) = diagnosis.look("project", workspace, |w| w.root.display().to_string())
    else {
        return;
    };
    let hint = "create it, or set DATABASE_SOURCE or HYDRATE_ENTRYPOINT";
    let entrypoint = require_file(&workspace.entrypoint, "the entry point", hint);
    diagnosis.look("entrypoint", entrypoint, |()| workspace.entrypoint.display().to_string());
    if workspace.patch.named {
        let patch =
            require_file(&workspace.patch.file, "PATCH_SQL", "create it, or unset PATCH_SQL");
        diagnosis.look("patch", patch, |()| workspace.patch.file.display().to_string());
    }
}

fn cluster(resolve: &Resolve, layout: Layout, diagnosis: &mut Diagnosis) {
    let Ok(spec) = resolve.spec(layout.clone()) else { return };
    if layout.working_directory().exists() {
        let ready = cluster::check_access(&layout, spec.server_user.as_ref());
        diagnosis.look("access", ready, |()| match &spec.server_user {
            Some(user) => format!("the server runs as \"{}\"", user.name),
            None => "writable".to_owned(),
        });
    }
    diagnosis.look("logs", Ok(cluster::log_usage(&layout)), |used| {
        format!("{}, {}", layout.logs().display(), logs(*used))
    });
    let sockets = layout.sockets(spec.port);
    let socket = sockets.directories[0].display().to_string();
    if sockets.short {
        let advice =
            "nothing to do; a shorter PG_WORKING_DIR without a comma would contain the socket";
        diagnosis.note(
            "socket",
            format!("{socket}, because the working directory is unsuitable"),
            advice,
        );
    } else {
        diagnosis.look("socket", Ok(socket), Clone::clone);
    }
    diagnosis.look("server", Liveness::of(&layout.data()), |liveness| match liveness {
        Liveness::Stopped => "not running".to_owned(),
        Liveness::Stale => "was killed; the next start recovers it".to_owned(),
        Liveness::Running(server) => format!("running, pid {}", server.file.pid),
    });
    if let Ok(Some((url, conninfo))) = resolve.project_url()
        && !is_meant_by(&layout, spec.port, &conninfo)
    {
        diagnosis.note(
            "DB_URL",
            format!("{url} does not point to the cluster"),
            "add ?host=$PG_WORKING_DIR if it is meant; `init` and `deploy` refuse it",
        );
    }
}

fn connection(resolve: &Resolve, diagnosis: &mut Diagnosis) {
    match resolve.connection() {
        Ok(conninfo) => match Session::connect(&conninfo.waiting(cluster::ANSWER_LIMIT)) {
            Ok(_) => drop(diagnosis.look("connection", Ok(()), |()| conninfo.to_string())),
            Err(error) => diagnosis.note(
                "connection",
                error.message(),
                error.hints().first().cloned().unwrap_or_else(|| "start it: database init".into()),
            ),
        },
        Err(error) if error.kind() == crate::sys::error::Kind::Missing => {
            diagnosis.note("connection", error.message(), "export DB_URL or PGURL");
        }
        Err(error) => drop(diagnosis.look("connection", Err::<(), _>(error), |()| String::new())),
    }
}

fn print(diagnosis: &Diagnosis) -> Result<()> {
    ui::data(|out| {
        for finding in &diagnosis.findings {
            let what = finding.what;
            match &finding.verdict {
                Verdict::Good(found) => writeln!(out, "ok    {what}: {found}")?,
                Verdict::Note(found, advice) => {
                    writeln!(out, "note  {what}: {found}\n      {advice}")?;
                }
                Verdict::Bad(error) => {
                    writeln!(out, "BAD   {what}: {}", error.message())?;
                    for hint in error.hints() {
                        writeln!(out, "      {hint}")?;
                    }
                }
            }
        }
        Ok(())
    })
}
