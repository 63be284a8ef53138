//! Roles and databases of a running cluster.

use std::time::Duration;

use crate::cluster::Running;
use crate::postgres::connection::conninfo::{Conninfo, LibpqEnvironment};
use crate::postgres::connection::session::{Session, column};
use crate::postgres::sql::quote::quote_ident;
use crate::sys::error::{Context, Result};
use crate::sys::process::{Patience, wait_for};

/// The time for which db-tool watches sessions that are perhaps about to end.
const ENDING: Duration = Duration::from_secs(1);

/// Session options that override the settings of roles and databases and disable triggers.
const UNDISTURBED: &str = "-c session_preload_libraries= -c local_preload_libraries= -c role=none \
     -c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0 \
     -c session_replication_role=replica";
/// More of these options, which PostgreSQL has since version 17.
const UNDISTURBED_17: &str = " -c event_triggers=off -c transaction_timeout=0";

impl Running {
    /// Opens a session of the superuser `user` that the settings of roles and databases cannot
    /// disturb.
    pub fn undisturbed_session(&self, user: &str, database: &str) -> Result<Session> {
        let newer = self.cluster.toolchain.version()?.major >= 17;
        let options = format!("{UNDISTURBED}{}", if newer { UNDISTURBED_17 } else { "" });
        let url = self.url(user, database).with("application_name", "db-tool cluster");
        let url = url.with("options", &options);
        Session::connect(&Conninfo::resolve(&url, &LibpqEnvironment::default())?)
    }

    /// Opens a session of the bootstrap superuser that a signal does not interrupt, for a clean-up.
    pub fn stubborn_session(&self, database: &str) -> Result<Session> {
        let url = self.url(&self.spec().settings.superuser, database);
        let url = url.with("application_name", "db-tool cluster");
        let conninfo = Conninfo::resolve(&url, &LibpqEnvironment::default())?;
        Session::connect_with(&conninfo, Patience::Stubborn)
    }

    /// Connects as the project will: as `user`, with the start-up options `options`. Login triggers
    /// run.
    pub fn prove_login(&self, user: &str, database: &str, options: Option<&str>) -> Result<()> {
        let url = self.url_with_options(user, database, options);
        let url = url.with("application_name", "db-tool cluster");
        Session::connect(&Conninfo::resolve(&url, &LibpqEnvironment::default())?).map(drop)
    }

    /// Creates `role` and `databases`, as far as they do not exist. The role owns the databases.
    ///
    /// The role is a superuser, because hydration creates event triggers, which only superusers
    /// can.
    pub fn ensure(&self, role: &str, databases: &[&str]) -> Result<()> {
        let mut session = self.session("postgres")?;
        if !exists(&mut session, sql!("cluster/role-exists"), role)? {
            let name = quote_ident(role);
            session
                .batch(&format!("CREATE ROLE {name} LOGIN SUPERUSER"))
                .context(format!("cannot create the role {role}"))?;
        }
        for database in databases {
            if exists(&mut session, sql!("cluster/database-exists"), database)? {
                continue;
            }
            let (name, owner) = (quote_ident(database), quote_ident(role));
            session
                .batch(&format!("CREATE DATABASE {name} OWNER {owner}{}", self.strategy()))
                .context(format!("cannot create the database {database}"))?;
        }
        Ok(())
    }

    /// The number of other client sessions. A server notices the end of a client a moment later, so
    /// db-tool looks again at sessions that have just finished their work.
    pub fn other_sessions(&self) -> Result<i64> {
        let mut session = self.session("postgres")?;
        let mut sessions = 0;
        let settled = || {
            let row = session.query_one(sql!("cluster/other-sessions"), &[])?;
            sessions = column(&row, "sessions")?;
            let ending: bool = column(&row, "ending")?;
            Ok((!ending).then_some(()))
        };
        wait_for(ENDING, Patience::Interruptible, settled)?;
        Ok(sessions)
    }

    /// The names of all databases that accept connections, without templates.
    pub fn databases(&self) -> Result<Vec<String>> {
        let mut session = self.session("postgres")?;
        let rows = session.query(sql!("backup/databases"), &[])?;
        rows.iter().map(|row| column(row, "name")).collect()
    }

    /// The size of all databases, in words such as `22 MB`.
    pub fn size(&self) -> Result<String> {
        let mut session = self.session("postgres")?;
        let row = session.query_one(sql!("cluster/size"), &[])?;
        column(&row, "pretty")
    }

    /// The version of the running server, such as `17.10`.
    pub fn version(&self) -> Result<String> {
        let row = self.session("postgres")?.query_one("SHOW server_version", &[])?;
        column(&row, "server_version")
    }

    /// For a cluster that is not synced to the disk, copying files is faster than logging their
    /// content. For others it would cost two checkpoints.
    fn strategy(&self) -> &'static str {
        match self.spec().settings.lifetime {
            crate::cluster::Lifetime::Throwaway => " STRATEGY FILE_COPY",
            crate::cluster::Lifetime::Kept => "",
        }
    }
}

fn exists(session: &mut Session, query: &str, name: &str) -> Result<bool> {
    column(&session.query_one(query, &[&name])?, "found")
}
