//! What a verb reports as done is on disk.

use crate::postgres::connection::conninfo::{Conninfo, Target};
use crate::postgres::connection::session::Session;
use crate::sys::error::Result;

/// The setting that says whether a commit waits for the disk.
const SETTING: &str = "synchronous_commit";

/// Settings of a session that fills a database. Not every system can tell that a client is gone.
const SETTINGS: &[(&str, &str)] = match cfg!(target_os = "linux") {
    true => &[(SETTING, "off"), ("client_connection_check_interval", "1s")],
    false => &[(SETTING, "off")],
};

/// The connection of a session that commits much and does not wait for the disk each time: the caller
/// flushes at the end. What runs when the client is gone, because it was killed, ends within a second. A
/// server that is not reached by a socket keeps its own rules, and so does whoever has set one in the URL.
pub fn bulk(conninfo: &Conninfo) -> Conninfo {
    let is_set = conninfo.get("options").is_some_and(|options| options.contains(SETTING));
    match conninfo.targets().iter().all(Target::is_socket) && !is_set {
        true => conninfo.with_options(SETTINGS),
        false => conninfo.clone(),
    }
}

/// Waits until everything that was committed before is on disk.
pub fn flush(conninfo: &Conninfo) -> Result<()> {
    let mut session = Session::connect(conninfo)?;
    session.batch("SET synchronous_commit = on")?;
    session.query(sql!("cluster/flush"), &[]).map(drop)
}
