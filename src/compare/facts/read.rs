//! Reads facts from the catalogs.
//!
//! One query lists the objects with their addresses (catalog, OID, column). The other queries
//! return properties of addresses; properties of an address that is not in the list are ignored. So
//! one query alone decides which objects count and what their names are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::Kind;
use super::Kind::*;
use super::property;
use super::{Facts, Identity, Object};
use crate::postgres::connection::session::{Row, Session, column};
use crate::sys::error::{Context, Error, Result};

const BEGIN: &str = sql!("facts/begin");
const OBJECTS: &str = sql!("facts/object");
/// The queries of properties, with the kinds of objects that have them. In a small database,
/// planning a query takes longer than running it, so queries without objects are skipped.
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

/// Columns of the queries that are not properties.
const COMMON: [&str; 7] = ["class", "id", "sub", "container_class", "container", "kind", "name"];

/// The address of an object: the OID of its catalog, its OID, and the number of a column or 0.
type Address = (u32, u32, i32);

/// The listed objects. The object that contains a part may be missing.
type Catalog = HashMap<Address, Listed>;

struct Listed {
    identity: Identity,
    container: Option<Address>,
    properties: BTreeMap<String, String>,
}

/// Opens the transaction that reads a database. It uses one snapshot and fixes every setting that
/// affects how the server prints definitions and values.
///
/// # Errors
/// Those of [`Session::batch`].
/// Those of [`Session::batch`].
pub fn begin(session: &mut Session) -> Result<()> {
    session.batch(BEGIN)
}

/// Ends the transaction, which has written nothing.
///
/// # Errors
/// Those of [`Session::batch`].
pub fn end(session: &mut Session) -> Result<()> {
    session.batch("ROLLBACK")
}

impl Facts {
    /// Reads the facts of the session's database in one read-only transaction, so they describe one
    /// moment. The session must not be in a transaction when this is called.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    /// Those of [`Session::query`].
    pub fn read(session: &mut Session) -> Result<Self> {
        let read = begin(session).and_then(|()| collected(session, Extent::Rows));
        // the first error explains the second
        let ended = end(session);
        let facts = read?;
        ended.map(|()| facts)
    }

    /// Reads the facts within the transaction of [`begin`], but without digests of the rows of
    /// immutable tables. It is for callers that compare rows themselves.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    pub fn read_within(session: &mut Session) -> Result<Self> {
        collected(session, Extent::Schema)
    }

    /// Reads the facts within the transaction of [`begin`], with the dependencies between objects.
    ///
    /// # Errors
    /// Those of [`Session::query`].
    pub fn read_with_dependencies(session: &mut Session) -> Result<Self> {
        collected(session, Extent::Dependencies)
    }

    /// Builds facts. If the catalog leaves an object out, such as a table of an extension, the facts
    /// leave out its parts, such as the table's indexes.
    fn of(catalog: &Catalog) -> Self {
        let container = |object: &Listed| Some(catalog.get(&object.container?)?.identity.clone());
        let kept = catalog.values().filter(|object| is_complete(object, catalog));
        let objects = kept.map(|object| {
            let properties = object.properties.clone();
            (object.identity.clone(), Object { container: container(object), properties })
        });
        Self { objects: objects.collect(), ..Self::default() }
    }
}

/// The data to read in addition to objects and their properties.
#[derive(PartialEq, Eq)]
enum Extent {
    /// No additional data.
    Schema,
    /// The dependencies between objects.
    Dependencies,
    /// Digests of the rows of immutable tables.
    Rows,
}

/// Checks whether the catalog has the object that contains this one, and so on upwards.
fn is_complete(object: &Listed, catalog: &Catalog) -> bool {
    object.container.is_none_or(|container| {
        catalog.get(&container).is_some_and(|container| is_complete(container, catalog))
    })
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
    catalog.values_mut().for_each(rename_old_trigger);
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

/// Gives the triggers of immutable tables their present names. Before 0.5.2, the bundle had other
/// names for them, and a database with an older bundle must not differ in every immutable table.
fn rename_old_trigger(object: &mut Listed) {
    const NAMES: [(&str, &str); 2] = [
        ("hectic_block_immutable_rows", "hectic_block_immutable_dml"),
        ("hectic_block_immutable_statements", "hectic_block_immutable_truncate"),
    ];
    let definition = object.properties.get_mut(property::DEFINITION);
    let Some(definition) = definition.filter(|_| object.identity.kind == Trigger) else { return };
    if !definition.ends_with("EXECUTE FUNCTION hectic.block_immutable()") {
        return;
    }
    for (old, new) in NAMES {
        if let Some(rest) = object.identity.name.strip_prefix(old) {
            *definition = definition.replacen(old, new, 1);
            object.identity.name = format!("{new}{rest}");
        }
    }
}

/// Reads the dependencies between listed objects.
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

/// Adds facts whose rows name their object instead of an address.
fn loose(session: &mut Session, query: &str, facts: &mut Facts) -> Result<()> {
    for row in session.query(query, &[])? {
        let identity = identity(&row)?;
        let is_of_bundle = identity.kind == Privileges
            && (identity.name.contains(" hectic.") || identity.name.ends_with(" hectic"));
        let object = facts.objects.entry(identity).or_default();
        // a side without the bundle lacks these objects, too
        object.container =
            is_of_bundle.then(|| Identity { kind: Bundle, name: "hectic".to_owned() });
        object.properties.extend(properties(&row)?);
    }
    Ok(())
}

fn address(row: &Row) -> Result<Address> {
    Ok((column(row, "class")?, column(row, "id")?, column(row, "sub")?))
}

fn listed(row: &Row) -> Result<Listed> {
    let (class, id): (u32, u32) = (column(row, "container_class")?, column(row, "container")?);
    let container = (class != 0).then_some((class, id, 0));
    Ok(Listed { identity: identity(row)?, container, properties: properties(row)? })
}

fn identity(row: &Row) -> Result<Identity> {
    let (kind, name): (String, String) = (column(row, "kind")?, column(row, "name")?);
    Ok(match Kind::named(&kind) {
        Some(kind) => Identity { kind, name },
        None => Identity { kind: Kind::Unmodelled, name: format!("{kind} {name}") },
    })
}

/// The properties in a row: its text columns, and the members of a JSON object. A query uses JSON
/// if names of properties come from the database, or if several kinds of objects share the query.
/// NULL means the default value.
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

/// Parses a JSON object with properties.
fn named(text: &str) -> Result<impl Iterator<Item = (String, String)> + use<>> {
    let all: serde_json::Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Error::unexpected(format!("cannot read properties: {error}")))?;
    Ok(all.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    }))
}
