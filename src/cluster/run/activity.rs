//! Whether clients use a running server.

use crate::cluster::build::Marker;
use crate::cluster::run::postmaster::PidFile;
use crate::cluster::{ANSWER_LIMIT, Layout};
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::connection::url::PgUrl;
use crate::sys::error::{Error, Result};

/// The use of a server at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The number of sessions that clients have opened since the statistics began.
    pub sessions: i64,
    /// The number of other sessions, replication connections and prepared transactions.
    pub others: i64,
    /// The database with the jobs of `pg_cron`, if the server has loaded it.
    pub cron_database: Option<String>,
}

/// Asks the server in `layout` for its use.
pub fn activity(layout: &Layout) -> Result<Activity> {
    let mut session = session(layout, "postgres")?;
    let row = session.query_one(sql!("cluster/activity"), &[])?;
    Ok(Activity {
        sessions: column(&row, "sessions")?,
        others: column(&row, "others")?,
        cron_database: column(&row, "cron_database")?,
    })
}

/// Whether `pg_cron` has active jobs.
pub fn has_jobs(layout: &Layout, activity: &Activity) -> Result<bool> {
    let Some(database) = &activity.cron_database else { return Ok(false) };
    let mut session = session(layout, database)?;
    let row = session.query_one(sql!("cluster/cron-is-installed"), &[])?;
    if !column(&row, "found")? {
        return Ok(false);
    }
    column(&session.query_one(sql!("cluster/cron-has-jobs"), &[])?, "found")
}

/// Opens a session of the superuser. The cluster is one of db-tool's.
pub fn session(layout: &Layout, database: &str) -> Result<Session> {
    let data = layout.data();
    let file = PidFile::read(&data).zip(Marker::read(&data));
    let reachable = file.and_then(|(file, marker)| {
        Some(PgUrl::for_socket(&file.socket_directory?, file.port?, &marker.superuser, database))
    });
    let url = reachable.ok_or_else(|| {
        Error::unexpected(format!("the server of {} does not say where it is", data.display()))
    })?;
    let url = url.with("application_name", "db-tool cluster");
    let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
    Session::connect(&conninfo.waiting(ANSWER_LIMIT))
}
