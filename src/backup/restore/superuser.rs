//! Gets into a restored cluster: makes sure that it has the superuser that db-tool expects.
//!
//! Only the roles of the backup can log in to a restored cluster. db-tool tries the likely names.
//! If none of them works, it stops the server and makes the role in single-user mode, which needs
//! no login.

use super::start;
use crate::cluster::run::postmaster::Shutdown;
use crate::cluster::{ClusterSpec, Running};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Result};

/// Two databases that every cluster has, unless somebody dropped them.
const DATABASES: [&str; 2] = ["postgres", "template1"];

/// Makes sure that the superuser of `spec` exists, and the database that it connects to.
pub(in crate::backup) fn ensure(
    running: Running,
    candidates: &[String],
    spec: &ClusterSpec,
    toolchain: &Toolchain,
) -> Result<Running> {
    if let Some(session) = candidates.iter().find_map(|name| log_in(&running, name)) {
        return complete(session, &spec.settings.superuser).map(|()| running);
    }
    tracing::debug!("no known superuser in the backup: making one in single-user mode");
    drop(running.stop(Shutdown::Fast)?);
    make_in_single_user_mode(spec, toolchain)?;
    let running = start(spec, toolchain)?;
    match log_in(&running, &spec.settings.superuser) {
        Some(session) => complete(session, &spec.settings.superuser).map(|()| running),
        None => Err(Error::failed(format!(
            "no superuser can log in to the restored cluster, not even {}",
            spec.settings.superuser
        ))
        .hint("look at the roles of the cluster that was backed up")),
    }
}

/// Opens a session of `name`. `None` unless that is a superuser who may log in.
fn log_in(running: &Running, name: &str) -> Option<Session> {
    let connect = |database: &&str| running.undisturbed_session(name, database).ok();
    let mut session = DATABASES.iter().find_map(connect)?;
    let sql = sql!("backup/restore-is-superuser");
    let row = session.query_one(sql, &[]).ok()?;
    column::<bool>(&row, "super").ok()?.then_some(session)
}

fn complete(mut session: Session, superuser: &str) -> Result<()> {
    let name = quote_ident(superuser);
    let role = sql!("cluster/role-exists");
    let verb = if exists(&mut session, role, superuser)? { "ALTER" } else { "CREATE" };
    session.batch(&format!("{verb} ROLE {name} LOGIN SUPERUSER"))?;
    let database = sql!("cluster/database-exists");
    match exists(&mut session, database, DATABASES[0])? {
        true => Ok(()),
        false => session.batch("CREATE DATABASE postgres"),
    }
}

fn exists(session: &mut Session, query: &str, name: &str) -> Result<bool> {
    column(&session.query_one(query, &[&name])?, "found")
}

/// Makes the superuser. Only the next login shows whether this worked.
fn make_in_single_user_mode(spec: &ClusterSpec, toolchain: &Toolchain) -> Result<()> {
    let name = quote_ident(&spec.settings.superuser);
    let mut server = toolchain
        .server_command("postgres", spec.settings.server_user.as_ref())?
        .args(["--single", "-D"])
        .arg(spec.layout.data())
        .arg("template1")
        .converse()?;
    server.send(format!("CREATE ROLE {name}\n").as_bytes());
    server.send(format!("ALTER ROLE {name} LOGIN SUPERUSER\n").as_bytes());
    server.end().map(drop)
}
