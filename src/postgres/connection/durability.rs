//! Makes sure that work which a command reports as done is on the disk.

use crate::postgres::connection::conninfo::{Conninfo, Target};
use crate::postgres::connection::session::Session;
use crate::sys::error::Result;

/// The setting that decides whether a commit waits for the disk.
const SETTING: &str = "synchronous_commit";

/// The settings of a session that fills a database. Only Linux can tell that a client is gone.
const SETTINGS: &[(&str, &str)] = match cfg!(target_os = "linux") {
    true => &[(SETTING, "off"), ("client_connection_check_interval", "1s")],
    false => &[(SETTING, "off")],
};

/// The connection of a session that commits often. It does not wait for the disk at each commit;
/// the caller flushes at the end. If the client is killed, the server ends its statement within a
/// second. A server on the network keeps its own settings, and so does a connection whose URL sets
/// `synchronous_commit`.
pub fn bulk(conninfo: &Conninfo) -> Conninfo {
    let is_set = conninfo.get("options").is_some_and(|options| options.contains(SETTING));
    match conninfo.targets().iter().all(Target::is_socket) && !is_set {
        true => conninfo.with_options(SETTINGS),
        false => conninfo.clone(),
    }
}

/// Waits until all earlier commits are on the disk.
pub fn flush(conninfo: &Conninfo) -> Result<()> {
    let mut session = Session::connect(conninfo)?;
    session.batch("SET synchronous_commit = on")?;
    session.query(sql!("cluster/flush"), &[]).map(drop)
}
