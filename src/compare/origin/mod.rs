//! Where an object of a database comes from: a line of the sources, a migration, or what was there
//! before.
//!
//! While a side of a comparison is made, a collector in its database notes which statement touched
//! which object. Statements are then looked for in the files. Not everything is noted (GRANT tells no
//! object, nor does what ran long ago in production); for the rest the texts themselves are searched
//! for statements that name the object. So an origin is what is known, and no more is claimed: a line,
//! else a file, else nothing.

mod collector;
mod name;
mod statement;
mod text;

pub use collector::{Touch, collect};
pub use text::Library;

use statement::{Aspect, Subject};

use crate::compare::facts::{Facts, Identity, Kind, What};
use crate::postgres::connection::session::{Session, column};

/// Where what differs comes from, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// What last touched it on side A.
    pub a: Option<String>,
    /// What last touched it on side B.
    pub b: Option<String>,
}

/// What is known of how a database was made.
#[derive(Debug, Default)]
pub struct Story<'a> {
    /// What the collector noted, oldest first.
    pub touched: &'a [Touch],
    /// The files that were run.
    pub files: Library,
    /// Migrations that ran before, oldest first: what to call them, and their SQL.
    pub history: Library,
    /// What to say of all else.
    pub otherwise: Option<&'static str>,
}

impl Story<'_> {
    /// What last touched the object, or the object that it is a part of; of one that is not there,
    /// what removed it.
    pub fn origin(&self, identity: &Identity, facts: &Facts, what: &What) -> Option<String> {
        if identity.kind == Kind::Bundle {
            // no statement of the project makes it
            return None;
        }
        let object = facts.get(identity);
        let name = name::own(&identity.name);
        let whole = object.and_then(|object| object.whole.as_ref());
        let noted = self.last_touch(identity, whole, &name).and_then(|touch| self.place(touch));
        if object.is_none() {
            // texts say how it came to be, not how it went
            return noted;
        }
        let whole = whole.map(|whole| name::own(&whole.name)).unwrap_or_default();
        let aspect = aspect(what);
        let subject = Subject { kind: identity.kind, name: &name, whole: &whole, aspect };
        let is_acl = aspect == Aspect::Privileges;
        let in_files = || self.files.place_of_what_names(&subject);
        // GRANT tells the collector no object
        let noted = noted.filter(|_| !is_acl);
        noted
            .or_else(in_files)
            .or_else(|| self.files.only_text_that_mentions(&subject).filter(|_| !is_acl))
            .or_else(|| self.history.last_that_alters(&subject))
            .or_else(|| self.otherwise.map(str::to_owned))
    }

    fn last_touch(
        &self,
        identity: &Identity,
        whole: Option<&Identity>,
        name: &str,
    ) -> Option<&Touch> {
        let is_whole = |touch: &Touch| whole.is_some_and(|whole| touch.identity == *whole);
        let own = self.touched.iter().rev().find(|touch| {
            is_same(&touch.identity, identity)
                || is_whole(touch) && name::mentions(&touch.statement, name)
        });
        // a constraint need not have been named, and where all was noted, its table's statement made it
        let all_was_noted = self.otherwise.is_none();
        own.or_else(|| self.touched.iter().find(|touch| all_was_noted && is_whole(touch)))
    }

    fn place(&self, touch: &Touch) -> Option<String> {
        match &touch.migration {
            Some(migration) => Some(format!("migration {migration}")),
            None => self.files.place_of(&touch.statement),
        }
    }
}

/// Whether it is the same object: what makes a type does not say of which sort it is.
fn is_same(one: &Identity, other: &Identity) -> bool {
    let is_type =
        |identity: &Identity| matches!(identity.kind, Kind::Type | Kind::Domain | Kind::Enum);
    one.name == other.name && (one.kind == other.kind || is_type(one) && is_type(other))
}

/// The sort of statements that change it.
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

/// The migrations whose SQL the database's history holds, oldest first.
pub fn history(session: &mut Session) -> Library {
    let query = sql!("origin/applied-sources");
    let mut library = Library::default();
    // a database without the bundle, or with another shape of it, has nothing to tell
    for row in session.query(query, &[]).unwrap_or_default() {
        if let (Ok(name), Ok(sql)) = (column::<String>(&row, "name"), column::<&str>(&row, "sql")) {
            library.add(&format!("migration {name}"), sql);
        }
    }
    library
}
