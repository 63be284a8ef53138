//! Definitions that differ in nothing but PostgreSQL's spelling.
//!
//! The server spells a stored expression anew when it is asked for it, and this text, parsed again,
//! need not give the same expression: `s IN ('a', 'b')` on `varchar` comes out as a cast array, and
//! the cast array as an array of casts. From then on the text stays as it is. So `pg_dump | psql`
//! changes definitions that nobody altered. Two definitions that differ are therefore parsed again,
//! both in one database, and compared as the server spells them then.

mod probe;

use std::collections::HashSet;

use super::{Facts, Identity, Kind, Object, begin, end};
use crate::postgres::connection::session::{Session, column};
use crate::sys::error::{Context, Result};
use probe::Probe;

const BEGIN: &str = sql!("facts/second-spelling-begin");
const SPELLING: &str = sql!("facts/second-spelling");

/// A definition that the other side has not, or not in these words.
struct Definition {
    identity: Identity,
    property: String,
    value: String,
    place: Place,
    probe: Probe,
}

/// Where a definition's counterpart is looked for. Constraints and indexes may have other names on the
/// other side, so theirs is their table.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    kind: Kind,
    of: String,
    property: String,
}

/// A definition and its second spelling.
type Spelled = (Definition, String);

/// Gives definitions in `own` the text that they have in `other`, where both texts say the same.
///
/// Only if some text differs, `connect` is called. It opens a session of a superuser in a database that
/// has the objects of either side and that may be locked and written to; nothing stays there.
///
/// # Errors
/// Those of `connect`; those of the session, but for a definition that cannot be parsed there, which
/// stays as it is.
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

/// The names of columns that have another type on the other side. What stands in a definition with one of
/// them means something else there: parsed again, `(n * 2)` on an integer would become the
/// `(n * (2)::numeric)` of a numeric column.
fn retyped_columns<'a>(own: &'a Facts, other: &Facts) -> HashSet<&'a str> {
    let columns = own.iter().filter(|(identity, _)| identity.kind == Kind::Column);
    let retyped = columns.filter(|(identity, object)| {
        other.get(identity).is_some_and(|found| found.get("type") != object.get("type"))
    });
    let name = |(identity, object): (&'a Identity, &'a Object)| {
        identity.name.strip_prefix(&object.whole.as_ref()?.name)?.strip_prefix('.')
    };
    retyped.filter_map(name).collect()
}

fn mentions(definition: &str, columns: &HashSet<&str>) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '"');
    let mut words = definition.split(|c| !inside(c));
    let quoted = || columns.iter().any(|name| name.starts_with('"') && definition.contains(name));
    !columns.is_empty() && (words.any(|word| columns.contains(word)) || quoted())
}

/// The definitions in `own` that `other` has otherwise, or perhaps under another name.
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

/// Makes an object of each definition, reads how the server spells it, and takes the object back.
fn spelled(session: &mut Session, definitions: Vec<Definition>) -> Result<Vec<Spelled>> {
    let mut found = Vec::new();
    for definition in definitions {
        let Probe { statement, sort, name, besides } = &definition.probe;
        // one statement at most, whatever another server calls a definition
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
    /// The object that an object is a part of, or that this is a part of.
    fn root<'a>(&'a self, object: &'a Object) -> Option<&'a Identity> {
        let whole = object.whole.as_ref()?;
        self.get(whole).and_then(|object| self.root(object)).or(Some(whole))
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
