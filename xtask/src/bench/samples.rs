//! The databases to compare and to back up: schemas and rows of `xtask/bench/sample`, and projects
//! of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{On, Result};
use crate::{place, program};

const THINGS: &str = include_str!("../../bench/sample/things.sql");
const REFERENCE: &str = include_str!("../../bench/sample/reference.sql");
const CHANGED: &str = include_str!("../../bench/sample/changed.sql");
const PULLED: &str = include_str!("../../bench/sample/pulled.sql");
const EVENTS: &str = include_str!("../../bench/sample/events.sql");

const SECRET: [(&str, &str); 3] = [
    ("begin.sql", include_str!("../../bench/secret/begin.sql")),
    ("open.sql", include_str!("../../bench/secret/open.sql")),
    ("decrypt.sql", include_str!("../../bench/secret/decrypt.sql")),
];

const DDL: [(&str, &str); 2] = [
    ("begin.sql", include_str!("../../bench/ddl/begin.sql")),
    ("plain.sql", include_str!("../../bench/ddl/plain.sql")),
];

/// The number of tables of a pull: 320 MB, and 1 GB.
const PARTS: [u8; 2] = [4, 13];

/// The entry point of a project's sources.
const ENTRYPOINT: &str = "db/src/entrypoint.sql";
/// The only migration of [`Samples::migrated`].
const MIGRATION: &str = "db/migration/20250101000000-everything";

/// The directory with the written samples.
pub(super) struct Samples(PathBuf);

impl Samples {
    /// Writes all of it into the new directory `home`, for everyone to read.
    pub(super) fn write(home: PathBuf) -> Result<Self> {
        let samples = Self(home);
        write(&samples.things(), THINGS)?;
        write(&samples.changed(), CHANGED)?;
        write(&samples.events(), EVENTS)?;
        for parts in PARTS {
            write(&samples.pulled(parts), &PULLED.replace("@parts@", &parts.to_string()))?;
        }
        write(&samples.reference_project().join(ENTRYPOINT), REFERENCE)?;
        write(&samples.empty_project().join(ENTRYPOINT), "SELECT;\n")?;
        migrated(&samples.migrated())?;
        for (name, text) in SECRET {
            write(&samples.secret(name), text)?;
        }
        let (dotenv, plain) = hundred();
        write(&samples.secret("secrets.env"), &dotenv)?;
        write(&samples.secret("plain.sql"), &plain)?;
        samples.write_ddl()?;
        program::run_quietly(program::new("chmod").args(["-R", "a+rX"]).arg(&samples.0))?;
        Ok(samples)
    }

    /// A file of the secrets' cases.
    pub(super) fn secret(&self, name: &str) -> PathBuf {
        self.0.join("secret").join(name)
    }

    /// A file with DDL statements.
    pub(super) fn ddl(&self, name: &str) -> PathBuf {
        self.0.join("ddl").join(name)
    }

    fn write_ddl(&self) -> Result<()> {
        for (name, text) in DDL {
            write(&self.ddl(name), text)?;
        }
        for count in [300, 3000] {
            write(&self.ddl(&format!("excluded-{count}.sql")), &tables("excluded", "", count))?;
            let inheriting = tables("inheriting", "INHERITS (hectic.created_at)", count);
            write(&self.ddl(&format!("inheriting-{count}.sql")), &inheriting)?;
        }
        let objects = times(include_str!("../../bench/ddl/object.sql"), 100);
        let exempt = format!("{EXEMPT}CREATE SCHEMA IF NOT EXISTS excluded;\n{objects}");
        write(&self.thousand().join(ENTRYPOINT), &exempt)?;
        write(&self.ddl("schemas.sql"), &times(include_str!("../../bench/ddl/schema.sql"), 1000))
    }

    /// A project of a thousand objects, as a dump makes them.
    pub(super) fn thousand(&self) -> PathBuf {
        self.0.join("thousand")
    }

    /// The sources of that project.
    pub(super) fn thousand_objects(&self) -> PathBuf {
        self.thousand().join(ENTRYPOINT)
    }

    /// A schema of 1000 tables.
    pub(super) fn things(&self) -> PathBuf {
        self.0.join("things.sql")
    }

    /// 100 immutable tables of 1000 rows.
    pub(super) fn reference(&self) -> PathBuf {
        self.reference_project().join(ENTRYPOINT)
    }

    /// A project with only these tables.
    pub(super) fn reference_project(&self) -> PathBuf {
        self.0.join("reference")
    }

    /// Changes a few of those rows.
    pub(super) fn changed(&self) -> PathBuf {
        self.0.join("changed.sql")
    }

    /// A script that makes a large table.
    pub(super) fn events(&self) -> PathBuf {
        self.0.join("events.sql")
    }

    /// A script that makes so many tables for a pull.
    pub(super) fn pulled(&self, parts: u8) -> PathBuf {
        self.0.join(format!("pulled-{parts}.sql"))
    }

    /// A project without a schema.
    pub(super) fn empty_project(&self) -> PathBuf {
        self.0.join("empty")
    }

    /// The sample project, with a migration that makes the same database as its sources.
    pub(super) fn migrated(&self) -> PathBuf {
        self.0.join("migrated")
    }

    /// The first file of that migration.
    pub(super) fn migration(&self) -> PathBuf {
        self.migrated().join(MIGRATION).join("up/entrypoint.sql")
    }
}

/// Tables of the schema `excluded` need not inherit.
const EXEMPT: &str = "SET hectic.inheritance_extra_excluded_schemas = 'excluded';\n";

/// Statements that make so many tables of a schema.
fn tables(schema: &str, parent: &str, count: usize) -> String {
    let template = include_str!("../../bench/ddl/table.sql");
    let template = template.replace("@schema@", schema).replace("@parent@", parent);
    format!("{EXEMPT}{}", times(&template, count))
}

/// The statements of a template, repeated so many times.
fn times(template: &str, count: usize) -> String {
    (0..count).map(|number| template.replace("@number@", &number.to_string())).collect()
}

/// A hundred secrets, the first of 256 bytes and the others of 96: as a dotenv, and as SQL that
/// inserts them plain.
fn hundred() -> (String, String) {
    let (mut dotenv, mut plain) = (String::new(), "BEGIN;\n".to_owned());
    for n in 0..100 {
        let value =
            if n == 0 { "0123456789abcdef".repeat(16) } else { format!("{n:08}").repeat(12) };
        dotenv.push_str(&format!("S{n}={value}\n"));
        plain.push_str(&format!("INSERT INTO plain VALUES ('S{n}', '{value}');\n"));
    }
    (dotenv, plain + "COMMIT;\n")
}

/// Makes the sample project with its sources as a migration, which has a transaction of its own.
fn migrated(home: &Path) -> Result<()> {
    program::run_quietly(
        program::new("cp").arg("-R").arg(place::root().join("nix/template")).arg(home),
    )?;
    let migration = home.join(MIGRATION);
    write(&migration.join("down/entrypoint.sql"), "SELECT;\n")?;
    let up = migration.join("up");
    program::run_quietly(program::new("cp").arg("-R").arg(home.join("db/src")).arg(&up))?;
    let data = up.join("reference/data.sql");
    let text = fs::read_to_string(&data).on("read", &data)?;
    write(&data, &text.replace("BEGIN;", "").replace("COMMIT;", ""))?;
    // no case uses the file, but the migrator would refuse its transaction
    write(&up.join("mock/mock.sql"), "")
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).on("create", parent)?;
    }
    fs::write(path, text).on("write", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Scratch;

    #[test]
    fn the_migration_includes_what_the_sources_include_without_their_transactions() {
        let scratch = Scratch::new("samples").unwrap();
        let samples = Samples::write(scratch.path().join("s")).unwrap();
        let entrypoint = fs::read_to_string(samples.migration()).unwrap();
        assert_eq!(entrypoint, fs::read_to_string(samples.migrated().join(ENTRYPOINT)).unwrap());
        let data = samples.migration().with_file_name("reference/data.sql");
        let data = fs::read_to_string(data).unwrap();
        assert!(data.contains("migration_mode") && !data.contains("COMMIT"), "{data}");
    }
}
