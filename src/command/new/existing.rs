//! Reads the database from which `database new --from` makes a project: its schema by `pg_dump`, and
//! by queries the properties that `pg_dump` leaves out. Reads all in one snapshot and writes nothing.

use std::path::PathBuf;

use crate::compare::facts;
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::{Session, column};
use crate::postgres::dump::{Dump, PgDump};
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};

/// The options for `pg_dump` that a schema needs. Subscriptions hold passwords.
const SCHEMA: [&str; 6] = [
    "--schema-only",
    "--clean",
    "--if-exists",
    "--exclude-schema=hectic",
    "--no-subscriptions",
    "--no-tablespaces",
];

/// Extensions that exist only in a server that has loaded them at its start. They are guessed if the
/// role may not see the server's setting.
const PRELOADED: [&str; 4] = ["citus", "pg_cron", "pgaudit", "timescaledb"];

/// The options for the rows of tables.
const ROWS: [&str; 2] = ["--data-only", "--column-inserts"];

/// An existing database.
#[derive(Debug)]
pub struct Existing {
    /// Its connection.
    pub conninfo: Conninfo,
    /// The programs.
    pub toolchain: Toolchain,
    /// The directory for temporary files.
    pub temporary: PathBuf,
    /// The tables whose rows are a part of the project.
    pub tables: Vec<String>,
}

/// The description of an existing database.
#[derive(Debug)]
pub struct Description {
    pub dump: Dump,
    /// The rows of the tables, as `INSERT` statements.
    pub rows: Option<Dump>,
    /// These tables, with schemas and in quotes.
    pub row_tables: Vec<String>,
    pub owner: String,
    /// The owner's name as the dump quotes it.
    pub quoted_owner: String,
    pub name: String,
    /// The libraries that the server may have loaded at its start.
    pub preload: Vec<String>,
    pub has_bundle: bool,
    /// Whether the bundle has its rules for tables.
    pub has_parents: bool,
    /// The number of tables.
    pub tables: i64,
    pub subscriptions: Vec<String>,
    /// Whether there is a schema public.
    pub has_public: bool,
    /// Whether there are jobs of `pg_cron`.
    pub has_jobs: bool,
    pub has_large_objects: bool,
    /// Roles that the schema may name.
    pub roles: Vec<Role>,
    /// The extensions, each with whether it belongs to the owner of the database.
    pub extensions: Vec<(String, bool)>,
    /// Properties of the database itself.
    pub changes: Vec<Change>,
    /// Settings that the project leaves out, because they may hold secrets.
    pub custom_settings: Vec<String>,
    /// Statements that refresh materialized views.
    pub refresh: Vec<String>,
    /// The statement that takes all privileges on the schema public.
    pub revoke_public: Option<String>,
}

/// A role.
#[derive(Debug)]
pub struct Role {
    pub name: String,
    /// The name as the dump quotes it.
    pub quoted: String,
    /// Whether it is the server's first superuser.
    pub is_first: bool,
}

/// Formats of two statements, with `%I` for the name of the database.
#[derive(Debug)]
pub struct Change {
    pub up: String,
    pub down: String,
}

impl Existing {
    /// Reads the database.
    pub fn read(&self) -> Result<Description> {
        let mut session = Session::connect(&self.conninfo)?;
        // with the search path of the user
        let tables = self.patterns(&mut session)?;
        facts::begin(&mut session)?;
        let snapshot = session.query_one(sql!("pull/snapshot"), &[])?;
        let snapshot: String = column(&snapshot, "snapshot")?;
        let pg_dump = PgDump {
            toolchain: &self.toolchain,
            conninfo: &self.conninfo,
            snapshot: &snapshot,
            temporary: &self.temporary,
        };
        let options = ROWS.map(str::to_owned).into_iter();
        let options: Vec<String> =
            options.chain(tables.iter().map(|table| format!("--table={table}"))).collect();
        let rows = (!tables.is_empty()).then(|| pg_dump.run(&options)).transpose()?;
        let rows = rows.map(|text| Dump::parse(&text)).transpose()?;
        let dump = Dump::parse(&pg_dump.run(&SCHEMA.map(str::to_owned))?)?;
        let description = describe(&mut session, dump)?;
        facts::end(&mut session)?;
        Ok(Description { rows, row_tables: tables, ..description })
    }

    /// The tables as patterns of `pg_dump`.
    fn patterns(&self, session: &mut Session) -> Result<Vec<String>> {
        let mut patterns = list(session, sql!("new/immutable"), "pattern")?;
        for table in &self.tables {
            let found = session.query(sql!("new/table"), &[table])?;
            if found.is_empty() {
                let database = self.conninfo.database();
                let what = format!("there is no table {table} in the database {database}");
                return Err(Error::new(Kind::NoSuchTable, what)
                    .hint("name it with its schema, and quote it as in SQL"));
            }
            for row in &found {
                patterns.push(column(row, "pattern")?);
            }
        }
        Ok(patterns)
    }
}

fn describe(session: &mut Session, dump: Dump) -> Result<Description> {
    let source = session.query_one(sql!("new/source"), &[])?;
    let preload: Option<&str> = column(&source, "preload")?;
    let preload = match preload {
        Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        None => PRELOADED.map(str::to_owned).to_vec(),
    };
    let roles = session.query(sql!("new/roles"), &[])?;
    let roles = roles.iter().map(|row| {
        let (name, quoted) = (column(row, "name")?, column(row, "quoted")?);
        Ok(Role { name, quoted, is_first: column(row, "is_first")? })
    });
    let (mut changes, mut custom_settings) = (Vec::new(), Vec::new());
    for row in session.query(sql!("new/settings"), &[])? {
        match column(&row, "is_custom")? {
            true => custom_settings.push(column(&row, "name")?),
            false => changes.push(Change { up: column(&row, "do")?, down: column(&row, "undo")? }),
        }
    }
    for row in session.query(sql!("new/privileges"), &[])? {
        changes.push(Change { up: column(&row, "do")?, down: column(&row, "undo")? });
    }
    let extensions = session.query(sql!("new/extensions"), &[])?;
    let extensions =
        extensions.iter().map(|row| Ok((column(row, "name")?, column(row, "is_owned")?)));
    let public = session.query_opt(sql!("new/public"), &[])?;
    Ok(Description {
        dump,
        rows: None,
        row_tables: Vec::new(),
        owner: column(&source, "owner")?,
        quoted_owner: column(&source, "quoted_owner")?,
        name: column(&source, "name")?,
        preload,
        has_bundle: column(&source, "has_bundle")?,
        has_parents: column(&source, "has_parents")?,
        tables: column(&source, "tables")?,
        subscriptions: column(&source, "subscriptions")?,
        has_public: column(&source, "has_public")?,
        has_jobs: column(&source, "has_jobs")?,
        has_large_objects: column(&source, "has_large_objects")?,
        roles: roles.collect::<Result<_>>()?,
        extensions: extensions.collect::<Result<_>>()?,
        changes,
        custom_settings,
        refresh: list(session, sql!("new/populated-views"), "refresh")?,
        revoke_public: public.map(|row| column(&row, "revoke")).transpose()?.flatten(),
    })
}

/// One column of a query.
pub fn list(session: &mut Session, query: &str, name: &str) -> Result<Vec<String>> {
    session.query(query, &[])?.iter().map(|row| column(row, name)).collect()
}

impl Description {
    /// Whether there is an extension of this name.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|(extension, _)| extension == name)
    }

    /// Whether there are user mappings, whose options may hold passwords.
    pub fn has_user_mappings(&self) -> bool {
        self.dump.entries.iter().any(|entry| entry.kind == "USER MAPPING")
    }
}
