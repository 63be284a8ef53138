//! Reading facts.
//!
//! One query lists the objects with their addresses (catalog, OID, column). The others return
//! properties of addresses; one that was not listed is of no interest. So what counts and what
//! it is called is decided in one place, and no query has to know of another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::Kind;
use super::Kind::*;
use super::{Facts, Identity, Object};
use crate::postgres::connection::session::{Row, Session, column};
use crate::sys::error::{Context, Error, Result};

const BEGIN: &str = sql!("facts/begin");
const OBJECTS: &str = sql!("facts/object");
/// Properties, and the kinds they are of: on a small database planning takes longer than running,
/// so what has no objects is not asked for.
const PROPERTIES: &[(&[Kind], &str)] = &[
    (&[Table, ForeignTable, View, MaterializedView], sql!("facts/relation")),
    (&[Column], sql!("facts/column")),
    (&[Index], sql!("facts/index")),
    (&[Sequence], sql!("facts/sequence")),
    (&[Constraint], sql!("facts/constraint")),
    (&[Trigger, Rule, Policy, EventTrigger, Statistics], sql!("facts/rule")),
    (&[Function, Procedure, Aggregate], sql!("facts/routine")),
    (&[Type, Domain, Enum], sql!("facts/type")),
    (
        &[Operator, OperatorClass, FamilyOperator, FamilyFunction, Cast, Transform, AccessMethod],
        sql!("facts/operator"),
    ),
    (
        &[
            Collation,
            Conversion,
            TextSearchParser,
            TextSearchTemplate,
            TextSearchDictionary,
            TextSearchConfiguration,
        ],
        sql!("facts/text"),
    ),
    (&[ForeignDataWrapper, ForeignServer, UserMapping, Publication], sql!("facts/foreign")),
    (&[Extension, Language], sql!("facts/extension")),
    (&[Extension], sql!("facts/member")),
];
const REMARKS: &str = sql!("facts/remark");
const DEPENDENCIES: &str = sql!("facts/dependency");
const LOOSE: &str = sql!("facts/loose");
const ROWS: &str = sql!("facts/rows");

/// Columns of queries that are no properties.
const COMMON: [&str; 7] = ["class", "id", "sub", "whole_class", "whole", "kind", "name"];

/// An object's catalog, its OID there, and the number of a column or 0.
type Address = (u32, u32, i32);

/// The objects of a database, some of them perhaps parts of what is not in the list.
type Catalog = HashMap<Address, Listed>;

/// An object in the list.
struct Listed {
    identity: Identity,
    whole: Option<Address>,
    properties: BTreeMap<String, String>,
}

/// Opens the transaction in which databases are read: one snapshot, and every setting pinned that
/// changes how the server spells a definition or a value.
///
/// # Errors
/// Those of [`Session::batch`].
pub fn begin(session: &mut Session) -> Result<()> {
    session.batch(BEGIN)
}

/// Ends it; nothing was written.
///
/// # Errors
/// Those of [`Session::batch`].
pub fn end(session: &mut Session) -> Result<()> {
    session.batch("ROLLBACK")
}

impl Facts {
    /// Reads the facts of the session's database in one read-only transaction, hence as of one
    /// moment. The session must not be in a transaction, and is in none afterwards.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    pub fn read(session: &mut Session) -> Result<Self> {
        let read = begin(session).and_then(|()| collected(session, Extent::Rows));
        // The first error is the one that counts.
        let ended = end(session);
        let facts = read?;
        ended.map(|()| facts)
    }

    /// The same within the transaction of [`begin`], but for digests of the rows of immutable tables,
    /// for those who compare rows by themselves.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    pub fn read_within(session: &mut Session) -> Result<Self> {
        collected(session, Extent::Schema)
    }

    /// The same with what depends on what.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    pub fn read_with_dependencies(session: &mut Session) -> Result<Self> {
        collected(session, Extent::Dependencies)
    }

    /// Without the parts of what is left out: an index of a table of an extension.
    fn of(catalog: &Catalog) -> Self {
        let whole = |object: &Listed| Some(catalog.get(&object.whole?)?.identity.clone());
        let kept = catalog.values().filter(|object| is_complete(object, catalog));
        let objects = kept.map(|object| {
            let properties = object.properties.clone();
            (object.identity.clone(), Object { whole: whole(object), properties })
        });
        Self { objects: objects.collect(), ..Self::default() }
    }
}

/// What is read beside objects and their properties.
#[derive(PartialEq, Eq)]
enum Extent {
    /// Nothing.
    Schema,
    /// What depends on what.
    Dependencies,
    /// Digests of the rows of immutable tables.
    Rows,
}

/// Whether what the object is part of is in the catalog too.
fn is_complete(object: &Listed, catalog: &Catalog) -> bool {
    object
        .whole
        .is_none_or(|whole| catalog.get(&whole).is_some_and(|whole| is_complete(whole, catalog)))
}

fn collected(session: &mut Session, extent: Extent) -> Result<Facts> {
    collect(session, &extent).context("cannot read the schema from the catalogs")
}

fn collect(session: &mut Session, extent: &Extent) -> Result<Facts> {
    let mut catalog = Catalog::new();
    for row in session.query(OBJECTS, &[])? {
        catalog.insert(address(&row)?, listed(&row)?);
    }
    let there: HashSet<Kind> = catalog.values().map(|object| object.identity.kind).collect();
    let needed = PROPERTIES.iter().filter(|(kinds, _)| kinds.iter().any(|k| there.contains(k)));
    for query in needed.map(|(_, query)| *query).chain([REMARKS]) {
        for row in session.query(query, &[])? {
            if let Some(object) = catalog.get_mut(&address(&row)?) {
                object.properties.extend(properties(&row)?);
            }
        }
    }
    let mut facts = Facts::of(&catalog);
    if *extent == Extent::Dependencies {
        facts.dependencies = dependencies(session, &catalog)?;
    }
    loose(session, LOOSE, &mut facts)?;
    let rows = *extent == Extent::Rows;
    let row = session.query_one(ROWS, &[&rows])?;
    facts.release = column::<i32>(&row, "release")?.unsigned_abs();
    let query: Option<String> = column(&row, "query")?;
    query.map_or(Ok(()), |query| loose(session, &query, &mut facts))?;
    Ok(facts)
}

/// What depends on what, as far as both are listed.
fn dependencies(
    session: &mut Session,
    catalog: &Catalog,
) -> Result<BTreeSet<(Identity, Identity)>> {
    let mut found = BTreeSet::new();
    for row in session.query(DEPENDENCIES, &[])? {
        let other =
            (column(&row, "other_class")?, column(&row, "other")?, column(&row, "other_sub")?);
        if let (Some(one), Some(other)) = (catalog.get(&address(&row)?), catalog.get(&other)) {
            found.insert((one.identity.clone(), other.identity.clone()));
        }
    }
    Ok(found)
}

/// Adds facts that come with the name of their object.
fn loose(session: &mut Session, query: &str, facts: &mut Facts) -> Result<()> {
    for row in session.query(query, &[])? {
        let identity = identity(&row)?;
        let is_of_bundle = identity.kind == Privileges
            && (identity.name.contains(" hectic.") || identity.name.ends_with(" hectic"));
        let object = facts.objects.entry(identity).or_default();
        // who lacks the bundle lacks them too
        object.whole = is_of_bundle.then(|| Identity { kind: Bundle, name: "hectic".to_owned() });
        object.properties.extend(properties(&row)?);
    }
    Ok(())
}

fn address(row: &Row) -> Result<Address> {
    Ok((column(row, "class")?, column(row, "id")?, column(row, "sub")?))
}

fn listed(row: &Row) -> Result<Listed> {
    let (class, id): (u32, u32) = (column(row, "whole_class")?, column(row, "whole")?);
    let whole = (class != 0).then_some((class, id, 0));
    Ok(Listed { identity: identity(row)?, whole, properties: properties(row)? })
}

fn identity(row: &Row) -> Result<Identity> {
    let (kind, name): (String, String) = (column(row, "kind")?, column(row, "name")?);
    Ok(match Kind::named(&kind) {
        Some(kind) => Identity { kind, name },
        None => Identity { kind: Kind::Unmodelled, name: format!("{kind} {name}") },
    })
}

/// The properties in a row: its columns of text, and those in an object of JSON, which stands where
/// they have names of the database's own or several sorts of objects share a query. What is null is
/// as by default.
fn properties(row: &Row) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for name in row.columns().iter().map(|own| own.name()).filter(|name| !COMMON.contains(name)) {
        let Some(value) = column::<Option<&str>>(row, name)? else { continue };
        if name == "properties" {
            found.extend(named(value)?);
        } else {
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(found)
}

/// The properties in an object of JSON.
fn named(text: &str) -> Result<impl Iterator<Item = (String, String)> + use<>> {
    let all: serde_json::Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Error::unexpected(format!("cannot read properties: {error}")))?;
    Ok(all.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    }))
}
