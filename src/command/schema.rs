//! `database schema`: the schema of a database as a file that people review.

use std::path::PathBuf;

use crate::compare::facts;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::dump::{Dump, PgDump};
use crate::postgres::toolchain::Toolchain;
use crate::project::schema::{Origin, SchemaFile, changed, text};
use crate::sys::error::{Error, Kind, Result};

/// The options for `pg_dump`. Subscriptions hold passwords.
const OPTIONS: [&str; 4] =
    ["--schema-only", "--exclude-schema=hectic", "--no-subscriptions", "--no-tablespaces"];

/// A database whose schema is to be read.
#[derive(Debug)]
pub struct SchemaDump {
    pub conninfo: Conninfo,
    /// The programs.
    pub toolchain: Toolchain,
    /// The directory for temporary files.
    pub temporary: PathBuf,
}

/// A schema file that does not show the present schema.
#[derive(Debug)]
pub struct Stale {
    /// The text of the file.
    pub before: String,
    /// The text that it should have.
    pub after: String,
    /// The objects that differ.
    pub objects: Vec<String>,
}

impl SchemaDump {
    /// Checks that `pg_dump` is there and has the server's major version, because each version
    /// writes a schema in its own way.
    ///
    /// # Errors
    /// `ProgramMissing` (exit 127), or `Conflict` (exit 2) for another version.
    pub fn check(&self) -> Result<()> {
        self.toolchain.path("pg_dump")?;
        self.check_version(&mut Session::connect(&self.conninfo)?)
    }

    fn check_version(&self, session: &mut Session) -> Result<()> {
        let said = self.toolchain.command("pg_dump")?.arg("--version").capture()?;
        let ours = major(said.trim().strip_prefix("pg_dump (PostgreSQL) ").unwrap_or(&said));
        let row = session.query_one("SHOW server_version", &[])?;
        let server = major(column(&row, "server_version")?);
        if ours == server {
            return Ok(());
        }
        Err(Error::new(
            Kind::Conflict,
            format!("pg_dump of PostgreSQL {ours} writes another schema file than that of PostgreSQL {server}, which the server has"),
        )
        .hint(format!("set PG_BINDIR to the programs of PostgreSQL {server}")))
    }

    /// Reads the schema, in one snapshot. Writes nothing.
    pub fn text(&self) -> Result<String> {
        let mut session = Session::connect(&self.conninfo)?;
        self.check_version(&mut session)?;
        facts::begin(&mut session)?;
        let snapshot = session.query_one(sql!("pull/snapshot"), &[])?;
        let snapshot: String = column(&snapshot, "snapshot")?;
        let source = session.query_one(sql!("new/source"), &[])?;
        let origin = Origin {
            quoted_owner: column(&source, "quoted_owner")?,
            has_rules: column(&source, "has_parents")?,
            has_public: column(&source, "has_public")?,
        };
        let pg_dump = PgDump {
            toolchain: &self.toolchain,
            conninfo: &self.conninfo,
            snapshot: &snapshot,
            temporary: &self.temporary,
        };
        let dump = Dump::parse(&pg_dump.run(&OPTIONS.map(str::to_owned))?)?;
        facts::end(&mut session)?;
        Ok(text(dump.entries, &origin, SchemaFile::FIRST_LINE))
    }

    /// Compares the file with the database. `None` if the file shows the present schema.
    pub fn compare(&self, file: &SchemaFile) -> Result<Option<Stale>> {
        let before = file.read()?;
        let after = self.text()?;
        if before == after {
            return Ok(None);
        }
        let objects = changed(&before, &after);
        Ok(Some(Stale { before, after, objects }))
    }

    /// Writes the file. Returns false if it was up to date.
    pub fn write(&self, file: &SchemaFile) -> Result<bool> {
        file.check()?;
        file.write(&self.text()?)
    }
}

/// The major version in a text such as `15.4 (Debian 15.4-1)`, or `19beta1`.
fn major(version: &str) -> &str {
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    &version[..end]
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_the_first_number() {
        for (text, expected) in [("15.4 (Debian 15.4-1)", "15"), ("19beta1", "19"), ("18", "18")] {
            assert_eq!(major(text), expected);
        }
    }
}
