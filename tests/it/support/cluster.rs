//! The cluster of a sandbox: queries, its server, its files.

use super::{Sandbox, psql, server, whoami};

impl Sandbox {
    /// The single value that `sql` returns on the connection of `url`, through psql.
    #[track_caller]
    pub fn query(&self, url: &str, sql: &str) -> String {
        let arguments = ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql];
        self.run(&psql(), arguments).success().stdout.trim_end().to_owned()
    }

    /// The single value that the superuser gets for `sql` in a database of the cluster.
    #[track_caller]
    pub fn ask_in(&self, database: &str, sql: &str) -> String {
        self.query(&self.url(database), sql)
    }

    /// The single value that the superuser gets for `sql` in the database `app`.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> String {
        self.ask_in("app", sql)
    }

    /// The URL of a database of the cluster for the superuser, who has the name of the user that
    /// runs the programs.
    pub fn url(&self, database: &str) -> String {
        let port = server::port(&self.path("pg/data")).unwrap_or(5432);
        let sock = self.path("pg/sock");
        let superuser = self.user.clone().unwrap_or_else(whoami);
        format!("host={} port={port} dbname={database} user={superuser}", sock.display())
    }

    /// The postmaster's pid.
    #[track_caller]
    pub fn postmaster(&self) -> u32 {
        server::postmaster(&self.path("pg/data"))
    }

    /// Whether a process of the cluster's server runs.
    pub fn has_server(&self) -> bool {
        !server::processes_below(&self.path("pg")).is_empty()
    }

    /// Entries of the working directory whose names start with `prefix`.
    pub fn beside(&self, prefix: &str) -> Vec<String> {
        let mut entries = self.entries("pg");
        entries.retain(|name| name.starts_with(prefix));
        entries
    }

    /// Fails the test unless the working directory holds one data directory, and these snapshots.
    #[track_caller]
    pub fn assert_snapshots<const N: usize>(&self, snapshots: [&str; N]) {
        assert_eq!(self.beside("data"), ["data"]);
        let there = self.path("pg/snapshot").exists();
        assert_eq!(if there { self.entries("pg/snapshot") } else { Vec::new() }, snapshots);
    }
}
