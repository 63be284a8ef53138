//! `database doctor`: checks every precondition in the same way as the other verbs.

mod diagnosis;

pub use diagnosis::{Diagnosis, Finding, Value, Verdict};

use std::path::{Path, PathBuf};

use crate::cluster::{
    self, ClusterSettings, ClusterSpec, Layout, Liveness, Preload, is_meant_by, space,
};
use crate::environment::place::Place;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::connection::url::PgUrl;
use crate::postgres::toolchain::Toolchain;
use crate::project::workspace::{Workspace, require_file};
use crate::sys::error::{Kind, Result};
use crate::sys::process;

/// The values that the other verbs work with, or why there are none.
pub struct Doctor {
    /// The programs.
    pub toolchain: Result<Toolchain>,
    /// The settings of private clusters.
    pub settings: Result<ClusterSettings>,
    /// The project.
    pub workspace: Result<Workspace>,
    /// The paths of the development cluster.
    pub layout: Result<Layout>,
    /// The development cluster.
    pub spec: Option<ClusterSpec>,
    /// The project's connection, if a variable names one.
    pub url: Option<(PgUrl, Conninfo)>,
    /// The directory of temporary files, and of private clusters that are not in memory.
    pub temporary: PathBuf,
    /// The place that the next private cluster would get.
    pub place: Result<Place>,
    /// The connection of the verbs that need one.
    pub connection: Result<Conninfo>,
}

/// Less free space than this is worth an advice.
const LITTLE: u64 = 1_000_000_000;

/// Less memory than this is worth an advice.
const LITTLE_MEMORY: u64 = 256_000_000;

impl Doctor {
    /// Makes all checks.
    pub fn run(self) -> Diagnosis {
        let mut diagnosis = Diagnosis::default();
        programs(self.toolchain, self.settings, &mut diagnosis);
        project(self.workspace, &mut diagnosis);
        let layout = diagnosis.look("working directory", self.layout, |layout: &Layout| {
            layout.working_directory().display().to_string()
        });
        if let (Some(layout), Some(spec)) = (layout, self.spec) {
            disk("disk", layout.working_directory(), &mut diagnosis);
            cluster(&layout, &spec, self.url.as_ref(), &mut diagnosis);
        }
        diagnosis.look("private clusters", self.place, |place| {
            format!("in {}: {}", place.parent.display(), place.reason)
        });
        disk("disk of temporary files", &self.temporary, &mut diagnosis);
        memory(process::memory_limit(), &mut diagnosis);
        connection(self.connection, &mut diagnosis);
        diagnosis
    }
}

fn programs(
    toolchain: Result<Toolchain>,
    settings: Result<ClusterSettings>,
    diagnosis: &mut Diagnosis,
) {
    let Some(toolchain) = diagnosis.look("PostgreSQL programs", toolchain, |toolchain| {
        toolchain.bindir().display().to_string()
    }) else {
        return;
    };
    diagnosis.look("locale", Ok(()), |()| "C, encoding UTF8; the server needs no other".to_owned());
    diagnosis.look("PostgreSQL version", toolchain.version().cloned(), |v| v.number().to_owned());
    let Some(settings) = diagnosis.look("settings", settings, |settings| {
        format!("database {}, port {}", settings.database, settings.port)
    }) else {
        return;
    };
    preload(&settings, &toolchain, diagnosis);
    template_cache(&settings, diagnosis);
}

fn preload(settings: &ClusterSettings, toolchain: &Toolchain, diagnosis: &mut Diagnosis) {
    match (&settings.preload, toolchain.has_library("pg_cron")) {
        (Preload::Default, false) => diagnosis.note(
            "preload libraries",
            "pg_cron, the default, is not installed",
            "install it, or set PG_SHARED_PRELOAD_LIBRARIES='' to do without",
        ),
        _ => {
            let libraries = settings.preload_libraries(toolchain);
            diagnosis.look("preload libraries", libraries, |list| match list.as_str() {
                "" => "none".to_owned(),
                list => list.to_owned(),
            });
        }
    }
}

/// The free space of a place, and an advice if it is little.
fn disk(what: &'static str, place: &Path, diagnosis: &mut Diagnosis) {
    let required = space::require(place, space::NEW_CLUSTER, "a cluster");
    let free = required.and_then(|()| space::free(place));
    let said = |free: u64| format!("{} MB free in {}", free / 1_000_000, place.display());
    match free {
        Ok(free) if free < LITTLE => diagnosis.note(
            what,
            said(free),
            "free some space: a cluster with much data, and each snapshot of it, needs more",
        ),
        free => drop(diagnosis.look(what, free, |free| said(*free))),
    }
}

/// The limit of the memory that this process and the server share, in a container for example.
fn memory(limit: Option<u64>, diagnosis: &mut Diagnosis) {
    let said = |limit: u64| format!("limited to {} MB", limit / 1_000_000);
    match limit {
        Some(limit) if limit < LITTLE_MEMORY => diagnosis.note(
            "memory",
            said(limit),
            "raise the limit, or set shared_buffers in data/postgresql.conf: a server takes 150 MB",
        ),
        limit => {
            let text = limit.map_or_else(|| "no limit".to_owned(), said);
            diagnosis.look("memory", Ok(text), Clone::clone);
        }
    }
}

fn template_cache(settings: &ClusterSettings, diagnosis: &mut Diagnosis) {
    match &settings.template_cache {
        Some(cache) => {
            diagnosis.see("template cache", cluster::private_directory(cache), |()| {
                Value::Templates(cache.clone(), cluster::cache_usage(cache))
            });
        }
        None => diagnosis.note(
            "template cache",
            "off: every new cluster runs initdb",
            "unset PG_TEMPLATE, and make XDG_CACHE_HOME or HOME writable",
        ),
    }
}

fn project(workspace: Result<Workspace>, diagnosis: &mut Diagnosis) {
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

fn cluster(
    layout: &Layout,
    spec: &ClusterSpec,
    url: Option<&(PgUrl, Conninfo)>,
    diagnosis: &mut Diagnosis,
) {
    if layout.working_directory().exists() {
        let ready = cluster::check_access(layout, spec.settings.server_user.as_ref());
        diagnosis.look("access", ready, |()| match &spec.settings.server_user {
            Some(user) => format!("the server runs as \"{}\"", user.name),
            None => "writable".to_owned(),
        });
    }
    diagnosis.see("logs", Ok(()), |()| {
        Value::Logs(layout.logs().to_owned(), cluster::log_usage(layout))
    });
    let sockets = layout.sockets(spec.settings.port);
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
    if let Some(tcp) = &spec.settings.tcp {
        let address = spec.clone().settle_address();
        diagnosis.look("address", address, |()| tcp.address().to_owned());
    }
    diagnosis.look("server", Liveness::of(&layout.data()), |liveness| match liveness {
        Liveness::Stopped => "not running".to_owned(),
        Liveness::Stale => "was killed; the next start recovers it".to_owned(),
        Liveness::Running(server) => format!("running, pid {}", server.file.pid),
    });
    if let Some((url, conninfo)) = url
        && !is_meant_by(layout, spec.settings.port, conninfo)
    {
        diagnosis.note(
            "DB_URL",
            format!("{url} does not point to the cluster"),
            "add ?host=$PG_WORKING_DIR if it is meant; `init` and `deploy` refuse it",
        );
    }
}

fn connection(connection: Result<Conninfo>, diagnosis: &mut Diagnosis) {
    match connection {
        Ok(conninfo) => match Session::connect(&conninfo.waiting(cluster::ANSWER_LIMIT)) {
            Ok(_) => drop(diagnosis.look("connection", Ok(()), |()| conninfo.to_string())),
            Err(error) => diagnosis.note(
                "connection",
                error.message(),
                error.hints().first().cloned().unwrap_or_else(|| "start it: database init".into()),
            ),
        },
        Err(error) if error.kind() == Kind::Missing => {
            diagnosis.note("connection", error.message(), "export DB_URL or PGURL");
        }
        Err(error) => drop(diagnosis.look("connection", Err::<(), _>(error), |()| String::new())),
    }
}
