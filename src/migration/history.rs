//! What the database says was done.

use super::name::Name;
use super::plan::Applied;
use crate::postgres::connection::session::{Row, Session, Type, column};
use crate::sys::error::{Error, Result};

/// The state of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has a file and was never started.
    Pending,
    /// It was started; whether it still runs, the lock tells.
    Running,
    /// It is applied.
    Migrated,
    /// It failed.
    Error,
    /// It was reverted.
    Undone,
}

impl State {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Migrated => "Migrated",
            Self::Error => "Error",
            Self::Undone => "Undone",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let states = [Self::Running, Self::Migrated, Self::Error, Self::Undone];
        states.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            Error::unexpected(format!("the history knows a state \"{text}\""))
                .hint("use the release of the tool that wrote it")
        })
    }
}

/// What the history knows of one migration.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name.
    pub name: Name,
    /// Its state.
    pub state: State,
    /// Whether what ran last went back.
    pub is_down: bool,
    /// Whether what ran last ran in a transaction.
    pub transactional: bool,
    /// See [`super::source::Source::checksum`].
    pub checksum: String,
    /// See [`super::source::Source::normalized_checksum`].
    pub normalized_checksum: String,
    /// The version that was applied before it.
    pub previous: Option<i64>,
    /// When it last began, UTC.
    pub started: String,
    /// When that ended.
    pub completed: Option<String>,
    /// How long it took.
    pub milliseconds: Option<f64>,
    /// Who ran it.
    pub actor: String,
    /// Why it last failed.
    pub error: Option<String>,
    /// How many of its statements are known to be done.
    pub statements: Option<i32>,
    /// The session that runs it.
    pub backend: Option<i32>,
    /// A repair has excused its missing files.
    pub deleted: bool,
}

impl Record {
    /// Whether its objects are there: it is applied, or its way back has not come to its end.
    pub fn is_applied(&self) -> bool {
        match self.state {
            State::Migrated => true,
            State::Running | State::Error => self.is_down,
            State::Pending | State::Undone => false,
        }
    }
}

/// A set's history.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether the tables are there at all.
    pub exists: bool,
    /// In the order of application.
    pub records: Vec<Record>,
}

impl History {
    /// Reads the history of a set in one round trip. A database without the bundle has an empty one.
    ///
    /// # Errors
    /// `Unexpected` (exit 13) when the tables have another shape than this release's.
    pub fn read(session: &mut Session, set: &str) -> Result<Self> {
        let query = sql!("migration/history");
        match session.query_typed(query, &[(&set, Type::TEXT)]) {
            Ok(rows) => {
                let records = rows.iter().map(record).collect::<Result<_>>()?;
                Ok(Self { exists: true, records })
            }
            Err(error) => absent(session.sqlstate(), error).map(|()| Self::default()),
        }
    }

    /// The record of a version.
    pub fn find(&self, version: i64) -> Option<&Record> {
        self.records.iter().find(|record| record.name.version == version)
    }

    /// What is applied, in the order of application.
    pub fn applied(&self) -> Vec<Applied> {
        let applied = self.records.iter().filter(|record| record.is_applied());
        applied
            .map(|record| Applied {
                name: record.name.clone(),
                deleted: record.deleted,
                half_reverted: record.state == State::Error,
            })
            .collect()
    }

    /// What was started and has not ended.
    pub fn running(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.state == State::Running)
    }
}

/// Whether a query of the history failed because there is none.
///
/// # Errors
/// The failure itself if it means anything else.
pub fn absent(sqlstate: Option<&str>, error: Error) -> Result<()> {
    match sqlstate {
        // undefined table, invalid schema name
        Some("42P01" | "3F000") => Ok(()),
        // undefined column, undefined function
        Some("42703" | "42883") => Err(Error::unexpected(
            "hectic.migration has the shape of another release of the bundle",
        )
        .hint("`database bundle status` tells which; `database bundle upgrade` moves it on")),
        Some("42501") => {
            Err(error.hint("the role needs USAGE on the schema hectic and SELECT on its tables"))
        }
        _ => Err(error),
    }
}

fn record(row: &Row) -> Result<Record> {
    Ok(Record {
        name: Name { version: column(row, "version")?, full: column(row, "name")? },
        state: State::parse(column(row, "state")?)?,
        is_down: column::<&str>(row, "direction")? == "down",
        transactional: column(row, "transactional")?,
        checksum: column(row, "checksum")?,
        normalized_checksum: column(row, "normalized_checksum")?,
        previous: column(row, "previous")?,
        started: column(row, "started")?,
        completed: column(row, "completed")?,
        milliseconds: column(row, "milliseconds")?,
        actor: column(row, "actor")?,
        error: column(row, "error")?,
        statements: column(row, "statements")?,
        backend: column(row, "backend")?,
        deleted: column(row, "deleted")?,
    })
}

/// One entry of the log.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When, UTC.
    pub happened: String,
    /// The migration's version.
    pub version: i64,
    /// The migration's name.
    pub name: String,
    /// What was done.
    pub action: String,
    /// What came of it.
    pub state: String,
    /// The checksum at that time.
    pub checksum: String,
    /// The version that was applied before it.
    pub previous: Option<i64>,
    /// Who did it.
    pub actor: String,
    /// With which release.
    pub tool_version: String,
    /// Why it failed.
    pub error: Option<String>,
    /// What a repair changed.
    pub note: Option<String>,
}

/// The log of a set, oldest first; empty without the bundle.
pub fn events(session: &mut Session, set: &str) -> Result<Vec<Event>> {
    let query = sql!("migration/events");
    match session.query_typed(query, &[(&set, Type::TEXT)]) {
        Ok(rows) => rows.iter().map(event).collect(),
        Err(error) => absent(session.sqlstate(), error).map(|()| Vec::new()),
    }
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        id: column(row, "id")?,
        happened: column(row, "happened")?,
        version: column(row, "version")?,
        name: column(row, "name")?,
        action: column(row, "action")?,
        state: column(row, "state")?,
        checksum: column(row, "checksum")?,
        previous: column(row, "previous")?,
        actor: column(row, "actor")?,
        tool_version: column(row, "tool_version")?,
        error: column(row, "error")?,
        note: column(row, "note")?,
    })
}
