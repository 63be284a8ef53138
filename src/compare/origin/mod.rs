//! The origins of objects: a line of the sources, a migration, or the backup.
//!
//! While a command fills a side, a collector in its database records which statement touched which
//! object. Then db-tool searches the files for these statements. Some statements are not recorded:
//! GRANT names no object to the collector, and statements that ran in production long ago are
//! unknown. For these, db-tool searches the files for statements that name the object. The result
//! is as precise as the evidence: a line, a file, or nothing.

mod collector;
mod name;
mod statement;
mod text;

pub use collector::{Touch, collect, from_note, note};
pub use text::Library;

use statement::{Aspect, Subject};

use crate::compare::facts::{Facts, Identity, Kind, What};
use crate::postgres::connection::session::{Session, column};

/// The origin of a difference on each side, if known.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The statement or migration that last touched the object on side A.
    pub a: Option<String>,
    /// The statement or migration that last touched the object on side B.
    pub b: Option<String>,
}

/// The evidence about how a database was made.
#[derive(Debug, Default)]
pub struct Story<'a> {
    /// The records of the collector, oldest first.
    pub touched: &'a [Touch],
    /// The files that psql ran.
    pub files: Library,
    /// Migrations that ran before, oldest first, with their names and SQL.
    pub history: Library,
    /// The origin of all other objects.
    pub otherwise: Option<&'static str>,
}

impl Story<'_> {
    /// Finds the statement that last touched the object or the object that contains it. For an
    /// object that does not exist, finds the statement that dropped it.
    pub fn origin(&self, identity: &Identity, facts: &Facts, what: &What) -> Option<String> {
        if identity.kind == Kind::Bundle {
            // the tool itself applies the bundle
            return None;
        }
        let object = facts.get(identity);
        let name = name::own(&identity.name);
        let container = object.and_then(|object| object.container.as_ref());
        let noted = self.last_touch(identity, container, &name).and_then(|touch| self.place(touch));
        if object.is_none() {
            // the files show how an object was made, not how it was dropped
            return noted;
        }
        let container = container.map(|container| name::own(&container.name)).unwrap_or_default();
        let aspect = aspect(what);
        let subject = Subject { kind: identity.kind, name: &name, container: &container, aspect };
        let is_acl = aspect == Aspect::Privileges;
        let in_files = || self.files.place_of_definition(&subject);
        // the collector does not see the object of a GRANT
        let noted = noted.filter(|_| !is_acl);
        noted
            .or_else(in_files)
            .or_else(|| self.files.only_mention(&subject).filter(|_| !is_acl))
            .or_else(|| self.history.last_alteration(&subject))
            .or_else(|| self.otherwise.map(str::to_owned))
    }

    fn last_touch(
        &self,
        identity: &Identity,
        container: Option<&Identity>,
        name: &str,
    ) -> Option<&Touch> {
        let is_container =
            |touch: &Touch| container.is_some_and(|container| touch.identity == *container);
        let own = self.touched.iter().rev().find(|touch| {
            is_same(&touch.identity, identity)
                || is_container(touch) && name::mentions(&touch.statement, name)
        });
        // a constraint may have no explicit name; if the records are complete, its table's statement
        // made it
        let all_was_noted = self.otherwise.is_none();
        own.or_else(|| self.touched.iter().find(|touch| all_was_noted && is_container(touch)))
    }

    fn place(&self, touch: &Touch) -> Option<String> {
        match &touch.migration {
            Some(migration) => Some(format!("migration {migration}")),
            None => self.files.place_of(&touch.statement),
        }
    }
}

/// Checks whether both are the same object. A statement that makes a type does not record the kind
/// of type.
fn is_same(one: &Identity, other: &Identity) -> bool {
    let is_type =
        |identity: &Identity| matches!(identity.kind, Kind::Type | Kind::Domain | Kind::Enum);
    one.name == other.name && (one.kind == other.kind || is_type(one) && is_type(other))
}

/// The kind of statements that can cause the difference.
fn aspect(what: &What) -> Aspect {
    match what {
        What::Changed { property, .. } => match property.as_str() {
            "acl" => Aspect::Privileges,
            "comment" => Aspect::Comment,
            label if label.starts_with("security label") => Aspect::Label,
            _ => Aspect::Definition,
        },
        _ => Aspect::Definition,
    }
}

/// Reads the SQL of applied migrations from the history, oldest first.
pub fn history(session: &mut Session) -> Library {
    let query = sql!("origin/applied-sources");
    let mut library = Library::default();
    // without the bundle, or with the tables of another release, there is no history to read
    for row in session.query(query, &[]).unwrap_or_default() {
        if let (Ok(name), Ok(sql)) = (column::<String>(&row, "name"), column::<&str>(&row, "sql")) {
            library.add(&format!("migration {name}"), sql);
        }
    }
    library
}
