//! Notes about clones and templates. A database has its note as its comment, in JSON, so that the
//! note lives and goes with the database.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys::error::{Error, Result};
use crate::sys::process::{ProcessId, inspect, pid_namespace};

/// The role of a database that db-tool has made beside the project's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A copy of a template, for whoever asked for it.
    Clone,
    /// A database that gets the content of a template.
    Building,
    /// A database that clones are copies of.
    Template,
}

/// A note about a database.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    // first, because `sql/query/clone/databases.sql` looks for it
    #[serde(rename = "db-tool")]
    pub role: Role,
    /// The project's database.
    pub database: String,
    /// The time at which it was made, in seconds since the epoch.
    pub made: u64,
    /// The time after which nobody needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// The process that it must not outlive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The content of a template, in one word. There is one template of each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
}

/// A process that owns a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The process id.
    pub pid: u32,
    started: u64,
    namespace: u64,
}

impl Owner {
    /// The process `pid`.
    ///
    /// # Errors
    /// `Conflict` if no such process runs.
    pub fn of(pid: u32) -> Result<Self> {
        let found = inspect(pid).ok_or_else(|| {
            Error::conflict(format!("no process {pid} runs, so it cannot own a clone"))
                .hint("name a process that goes on running, such as the shell: --owner $$")
        })?;
        Ok(Self { pid: found.pid, started: found.started, namespace: pid_namespace() })
    }

    /// This process.
    pub fn ourselves() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// Whether the process has ended. From another container, nobody can tell.
    pub fn has_ended(&self) -> bool {
        let process = ProcessId { pid: self.pid, started: self.started };
        self.namespace == pid_namespace() && !process.is_alive()
    }
}

impl Note {
    /// A note about a database that is made now.
    pub fn new(role: Role, database: &str) -> Self {
        let (database, content) = (database.to_owned(), String::new());
        Self { role, database, made: now(), expires: None, owner: None, content }
    }

    /// Reads a comment.
    pub fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment).ok()
    }

    /// The comment.
    pub fn to_comment(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::unexpected(format!("cannot write a note: {error}")))
    }

    /// Whether the database stays until somebody drops it.
    pub fn stays(&self) -> bool {
        self.expires.is_none() && self.owner.is_none()
    }

    /// Whether nobody needs the database any more.
    pub fn is_over(&self) -> bool {
        self.expires.is_some_and(|time| time <= now()) || self.owner.is_some_and(|o| o.has_ended())
    }
}

/// A database with a note, or one that a killed command has made and given no note.
#[derive(Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The note, unless a command was killed before it wrote one.
    pub note: Option<Note>,
    /// The number of sessions.
    pub sessions: i64,
    /// For a database without a note, the minutes since it was created, if it has no session.
    pub(super) idle_minutes: Option<f64>,
}

impl Database {
    /// Whether it has this role.
    pub fn is(&self, role: Role) -> bool {
        self.note.as_ref().is_some_and(|note| note.role == role)
    }
}

/// The seconds since the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_begins_with_our_name_and_is_read_again() {
        let note = Note {
            expires: Some(7),
            owner: Some(Owner::ourselves().expect("it runs")),
            ..Note::new(Role::Clone, "a \"b\"")
        };
        let comment = note.to_comment().expect("written");
        assert!(comment.starts_with("{\"db-tool\":\"clone\","), "{comment}");
        assert_eq!(Note::read(&comment), Some(note));
        assert_eq!(Note::read("{\"db-tool\":\"else\"}"), None);
        assert_eq!(Note::read("our database"), None);
    }

    #[test]
    fn time_or_the_end_of_the_owner_ends_a_clone() {
        let mut note = Note::new(Role::Clone, "a");
        assert!(!note.is_over());
        note.owner = Some(Owner::ourselves().expect("it runs"));
        note.expires = Some(now() + 1000);
        assert!(!note.is_over());
        note.owner = note.owner.map(|owner| Owner { started: owner.started - 1, ..owner });
        assert!(note.is_over());
        note.owner = note.owner.map(|owner| Owner { namespace: 0, ..owner });
        assert!(!note.is_over(), "a process of another container");
        note.expires = Some(now());
        assert!(note.is_over());
    }
}
