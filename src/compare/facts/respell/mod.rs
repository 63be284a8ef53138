//! Definitions that differ only in PostgreSQL's spelling.
//!
//! The server prints a stored expression as text. Parsing this text again need not give the same
//! expression: the server prints `s IN ('a', 'b')` on a `varchar` column as a cast array, and,
//! after parsing that, as an array of casts. After that the text stays the same. So `pg_dump |
//! psql` changes definitions that nobody altered. Therefore, if two definitions differ, the server
//! parses both again in one database, and db-tool compares the texts that the server then prints.

mod probe;

use crate::compare::facts::property;
use std::collections::HashSet;

use super::{Facts, Identity, Kind, Object, begin, end};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Result};
use probe::Probe;

const BEGIN: &str = sql!("facts/second-spelling-begin");
const SPELLING: &str = sql!("facts/second-spelling");

/// A definition that the other side does not have, or has with another text.
struct Definition {
    identity: Identity,
    property: String,
    value: String,
    place: Place,
    probe: Probe,
}

/// The place in which `respell` looks for the counterpart of a definition. A constraint or an index may have
/// another name on the other side, so its place is its table.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    kind: Kind,
    of: String,
    property: String,
}

/// A definition with the text that the server prints after parsing it again.
type Spelled = (Definition, String);

/// Replaces the text of a definition in `own` by the text in `other`, if both mean the same.
///
/// `connect` is called only if some text differs. It must open a session of a superuser in a
/// database that has the objects of either side and that may be locked and written to. All changes
/// there are rolled back.
///
/// # Errors
/// Those of `connect` and of the session. A definition that the database cannot parse is no error;
/// it stays unchanged.
pub fn respell(
    own: &mut Facts,
    other: &Facts,
    connect: impl FnOnce() -> Result<Session>,
) -> Result<()> {
    let retyped = retyped_columns(own, other);
    let mut ours = differing(own, other);
    let mut theirs = differing(other, own);
    ours.retain(|definition| !mentions(&definition.value, &retyped));
    theirs.retain(|definition| !mentions(&definition.value, &retyped));
    keep_common(&mut ours, &theirs);
    keep_common(&mut theirs, &ours);
    if ours.is_empty() {
        return Ok(());
    }
    let mut session = connect()?;
    begin(&mut session)?;
    session.batch(BEGIN).context("cannot parse definitions again")?;
    let ours = spelled(&mut session, ours)?;
    let theirs = spelled(&mut session, theirs)?;
    end(&mut session)?;
    for (definition, spelling) in ours {
        let same = theirs
            .iter()
            .filter(|(other, text)| other.place == definition.place && *text == spelling);
        let mut same = same.map(|(other, _)| other);
        let Some(first) = same.next() else { continue };
        let namesake = same.find(|other| other.identity == definition.identity);
        own.adopt(&definition, namesake.unwrap_or(first));
    }
    Ok(())
}

/// The names of columns that have another type on the other side. A definition with such a column
/// would change its meaning there: `(n * 2)` on an integer column would become the `(n *
/// (2)::numeric)` of a numeric column.
fn retyped_columns<'a>(own: &'a Facts, other: &Facts) -> HashSet<&'a str> {
    let columns = own.iter().filter(|(identity, _)| identity.kind == Kind::Column);
    let retyped = columns.filter(|(identity, object)| {
        other
            .get(identity)
            .is_some_and(|found| found.get(property::TYPE) != object.get(property::TYPE))
    });
    let name = |(identity, object): (&'a Identity, &'a Object)| {
        identity.name.strip_prefix(&object.container.as_ref()?.name)?.strip_prefix('.')
    };
    retyped.filter_map(name).collect()
}

fn mentions(definition: &str, columns: &HashSet<&str>) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"');
    let mut words = definition.split(|c| !inside(c));
    let quoted = || columns.iter().any(|name| name.starts_with('"') && definition.contains(name));
    !columns.is_empty() && (words.any(|word| columns.contains(word)) || quoted())
}

/// The definitions in `own` that `other` has with another text, or perhaps under another name.
fn differing(own: &Facts, other: &Facts) -> Vec<Definition> {
    let mut found = Vec::new();
    for (identity, object) in own.iter() {
        let is_renamable = matches!(identity.kind, Kind::Constraint | Kind::Index);
        let counterpart = other.get(identity);
        if counterpart.is_none() && !is_renamable {
            continue;
        }
        for (property, value) in &object.properties {
            let is_same = match counterpart.map(|object| object.get(property)) {
                Some(Some(text)) => text == value,
                Some(None) => true,
                None => false,
            };
            if !is_same && let Some(probe) = Probe::of(identity, object, property, value) {
                let of = if is_renamable { own.root(object) } else { Some(identity) };
                let place = Place {
                    kind: identity.kind,
                    of: of.map(|of| of.name.clone()).unwrap_or_default(),
                    property: property.clone(),
                };
                let (identity, property) = (identity.clone(), property.clone());
                found.push(Definition { identity, property, value: value.clone(), place, probe });
            }
        }
    }
    found
}

fn keep_common(own: &mut Vec<Definition>, other: &[Definition]) {
    let places: HashSet<&Place> = other.iter().map(|definition| &definition.place).collect();
    own.retain(|definition| places.contains(&definition.place));
}

/// Makes an object from each definition, reads the text that the server prints, and rolls the
/// object back.
fn spelled(session: &mut Session, definitions: Vec<Definition>) -> Result<Vec<Spelled>> {
    let mut found = Vec::new();
    for definition in definitions {
        let Probe { statement, sort, name, besides } = &definition.probe;
        // run at most one statement, because a foreign server may return any text as a definition
        let spelling = session.execute(statement, &[]).and_then(|_| {
            column::<Option<String>>(&session.query_one(SPELLING, &[sort, name])?, "spelling")
        });
        session.batch("ROLLBACK TO parsed")?;
        match spelling {
            Ok(Some(spelling)) => {
                let spelling = [&spelling, "\0", besides].concat();
                found.push((definition, spelling));
            }
            Ok(None) => {}
            Err(error) => tracing::debug!("{} is not parsed again: {error}", definition.identity),
        }
    }
    Ok(found)
}

impl Facts {
    /// The outermost object that contains this object.
    fn root<'a>(&'a self, object: &'a Object) -> Option<&'a Identity> {
        let container = object.container.as_ref()?;
        self.get(container).and_then(|object| self.root(object)).or(Some(container))
    }

    fn adopt(&mut self, own: &Definition, other: &Definition) {
        let Some(object) = self.objects.get_mut(&own.identity) else { return };
        let value = match own.identity.kind {
            Kind::Index => probe::renamed(&own.value, &other.value),
            _ => None,
        };
        object
            .properties
            .insert(own.property.clone(), value.unwrap_or_else(|| other.value.clone()));
    }
}
