//! Runs `pg_dump`. It reads within the snapshot of an existing session and writes nothing.

use std::path::Path;

use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, IoContext, Kind, Result};
use crate::sys::process::{StandardOutput, describe, read_regular};
use crate::sys::scratch::Scratch;

/// A call of `pg_dump`.
pub struct PgDump<'a> {
    pub toolchain: &'a Toolchain,
    pub conninfo: &'a Conninfo,
    /// The name of an exported snapshot.
    pub snapshot: &'a str,
    /// The directory for temporary files.
    pub temporary: &'a Path,
}

impl PgDump<'_> {
    /// Runs `pg_dump` with these options and returns the SQL.
    ///
    /// # Errors
    /// `Failed` with the messages of `pg_dump`.
    pub fn run(&self, options: &[String]) -> Result<String> {
        let scratch = Scratch::new(self.temporary)?;
        let mut said: Vec<String> = Vec::new();
        let command = self
            .toolchain
            .command("pg_dump")?
            .directory(Path::new("/"))
            .args(["--no-password", "--encoding=UTF8", "--snapshot", self.snapshot])
            .args(options)
            .envs(self.conninfo.variables());
        let output = StandardOutput::File(scratch.create("dump.sql")?);
        let status = command.stream(output, |line| {
            said.push(String::from_utf8_lossy(line).trim_end().to_owned());
        })?;
        if !status.success() {
            return Err(failure(self.conninfo, &describe(status), &said.join("\n")));
        }
        for line in said {
            tracing::debug!("pg_dump: {line}");
        }
        let file = scratch.path().join("dump.sql");
        String::from_utf8(read_regular(&file).on("read", &file)?).map_err(|_| {
            Error::failed("the schema is not valid UTF-8")
                .hint("the database has the encoding SQL_ASCII, which lets any bytes in")
        })
    }
}

fn failure(conninfo: &Conninfo, status: &str, said: &str) -> Error {
    let error = Error::failed(format!("cannot dump {conninfo}: pg_dump {status}")).detail(said);
    if said.contains("server version mismatch") {
        return error
            .with_kind(Kind::Conflict)
            .hint("set PG_BINDIR to the programs of the server's major version or a later one");
    }
    if said.contains("permission denied") {
        return error.hint("connect as a role that may read the whole schema, such as the owner");
    }
    error
}
