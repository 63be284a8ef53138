//! Reads the history from the database.

use super::name::Name;
use super::plan::Applied;
use crate::postgres::connection::session::{Row, Session, Type, column};
use crate::sys::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The migration has a file but was never started.
    Pending,
    /// The migration was started. Only the lock shows whether it still runs.
    Running,
    /// The migration is applied.
    Migrated,
    /// The last run failed.
    Error,
    /// The migration was reverted.
    Undone,
}

impl State {
    /// The state's name, as people see it and the history stores it.
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
            Error::unexpected(format!("the history has the unknown state \"{text}\""))
                .hint("use the release of the tool that wrote it")
        })
    }
}

/// The row of one migration in the history.
#[derive(Debug, Clone)]
pub struct Record {
    pub name: Name,
    pub state: State,
    /// The last run was a down.
    pub is_down: bool,
    /// The last run was in a transaction.
    pub transactional: bool,
    /// See [`super::source::Source::checksum`].
    pub checksum: String,
    /// See [`super::source::Source::normalized_checksum`].
    pub normalized_checksum: String,
    /// The version that was applied directly before it.
    pub previous: Option<i64>,
    /// The start of its last run, in UTC.
    pub started: String,
    /// The end of its last run, in UTC.
    pub completed: Option<String>,
    /// The duration of its last run.
    pub milliseconds: Option<f64>,
    /// The user who ran it last, as `user@host`.
    pub actor: String,
    /// The error of its last run.
    pub error: Option<String>,
    /// The number of statements that are known to be done, for a run without a transaction.
    pub statements: Option<i32>,
    /// The process id of the session that runs it.
    pub backend: Option<i32>,
    /// A repair accepted that its files are missing.
    pub deleted: bool,
}

impl Record {
    /// Whether the objects of the migration exist: it is applied, or its down has not completed.
    pub fn is_applied(&self) -> bool {
        match self.state {
            State::Migrated => true,
            State::Running | State::Error => self.is_down,
            State::Pending | State::Undone => false,
        }
    }
}

/// The history of one migration set.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The tables of the history exist.
    pub exists: bool,
    /// The rows, in the order of application.
    pub records: Vec<Record>,
}

impl History {
    /// Reads the history of a set in one round trip. Without the bundle, the history is empty.
    ///
    /// # Errors
    /// `Unexpected` (exit 13) if the tables come from another release of the bundle.
    pub fn read(session: &mut Session, set: &str) -> Result<Self> {
        let query = sql!("migration/history");
        match session.query_typed(query, &[(&set, Type::TEXT)]) {
            Ok(rows) => {
                let records = rows.iter().map(record).collect::<Result<_>>()?;
                Ok(Self { exists: true, records })
            }
            Err(error) => absent(session, error).map(|()| Self::default()),
        }
    }

    pub fn find(&self, version: i64) -> Option<&Record> {
        self.records.iter().find(|record| record.name.version == version)
    }

    /// The applied migrations, in the order of application.
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

    /// The migrations in the state `Running`.
    pub fn running(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.state == State::Running)
    }
}

/// Checks that a query failed because the database has no history.
///
/// # Errors
/// `Unexpected` (exit 13) if another release made the history; the query's error, if it failed for
/// another reason.
pub fn absent(session: &mut Session, error: Error) -> Result<()> {
    let other_release = || {
        Error::unexpected("hectic.migration was made by another release of the bundle")
            .hint("`database bundle status` shows which; `database bundle upgrade` upgrades it")
    };
    match session.sqlstate() {
        // undefined table, invalid schema name
        Some("42P01" | "3F000") => {
            let row = session.query_one(sql!("migration/other-release"), &[])?;
            if column(&row, "there")? { Err(other_release()) } else { Ok(()) }
        }
        // undefined column, undefined function
        Some("42703" | "42883") => Err(other_release()),
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

/// An event of the history.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Event {
    pub id: i64,
    /// The time of the event, in UTC.
    pub happened: String,
    /// The migration's version.
    pub version: i64,
    /// The migration's name.
    pub name: String,
    /// The action, such as `up` or `repair`.
    pub action: String,
    /// The state of the migration after the event.
    pub state: String,
    /// The checksum of the migration at that time.
    pub checksum: String,
    /// The version that was applied directly before the migration.
    pub previous: Option<i64>,
    /// The user, as `user@host`.
    pub actor: String,
    /// The release of db-tool.
    pub tool_version: String,
    /// The error, if the action failed.
    pub error: Option<String>,
    /// A note about the change, for example of a repair.
    pub note: Option<String>,
}

/// Reads the events of a set, oldest first. Without the bundle, there are none.
pub fn events(session: &mut Session, set: &str) -> Result<Vec<Event>> {
    let query = sql!("migration/events");
    match session.query_typed(query, &[(&set, Type::TEXT)]) {
        Ok(rows) => rows.iter().map(event).collect(),
        Err(error) => absent(session, error).map(|()| Vec::new()),
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
