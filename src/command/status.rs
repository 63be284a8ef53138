//! `database status`: whether the development cluster runs, since when, its size, and its users.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::{ClusterSpec, Found, Running, Usage, cache_usage, find, log_usage};
use crate::environment::clone;
use crate::environment::lease::{Holder, Leases};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::Result;

/// The state of the development cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Status {
    Absent,
    /// The cluster exists, but no server runs.
    Stopped,
    /// No server runs, but one that was killed left its pid file.
    Stale,
    Running(Facts),
}

/// Details of a running server.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Facts {
    /// The postmaster's process id.
    pub pid: u32,
    /// The seconds since the server started.
    pub up_seconds: u64,
    /// The server's version.
    pub version: String,
    /// The size of all databases.
    pub size: String,
    /// The number of client sessions.
    pub sessions: i64,
    /// The number of clones of databases.
    pub clones: usize,
    /// The processes that have a lease.
    pub leases: Vec<Holder>,
    /// Whether the server stops with its last lease.
    pub ends_with_last_lease: bool,
    /// The URL of the project's database.
    pub url: String,
    /// The address for TCP connections, if the server listens on one.
    pub address: Option<String>,
    /// Whether clients use TLS there.
    pub tls: bool,
    /// The size of the logs.
    pub logs: Usage,
    /// The size of the template cache. Other clusters use that cache, too.
    pub templates: Usage,
}

/// Finds the cluster that `spec` describes and asks its server for details.
pub fn run(spec: ClusterSpec, toolchain: Toolchain, user: Option<String>) -> Result<Status> {
    let found = find(spec.clone(), toolchain.clone())?;
    Ok(match found {
        Found::Nothing => Status::Absent,
        Found::Stopped(_) => Status::Stopped,
        Found::Stale(_) => Status::Stale,
        Found::Running(running) => match facts(&running, user.clone()) {
            // its last lease may have ended just now
            Err(_) if running.has_ended()? => return run(spec, toolchain, user),
            facts => Status::Running(facts?),
        },
    })
}

fn facts(running: &Running, user: Option<String>) -> Result<Facts> {
    let spec = running.spec();
    let user = user.unwrap_or_else(|| spec.settings.superuser.clone());
    running.require_answer()?;
    let leases = Leases::of(&spec.layout);
    let address = running.tcp_address()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    Ok(Facts {
        pid: running.pid(),
        up_seconds: now.saturating_sub(running.started()),
        version: running.version()?,
        size: running.size()?,
        sessions: running.other_sessions()?,
        clones: clone::count(running)?,
        leases: leases.holders(),
        ends_with_last_lease: leases.ends_with_last(),
        url: running.url(&user, &spec.settings.database).to_url(),
        address: address.as_ref().map(ToString::to_string),
        tls: address.is_some_and(|address| address.root_certificate.is_some()),
        logs: log_usage(&spec.layout),
        templates: spec.settings.template_cache.as_deref().map(cache_usage).unwrap_or_default(),
    })
}
