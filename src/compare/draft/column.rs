//! Columns: their declaration and their changes.

use super::name::{alter_container, own};
use super::options::{column_options, option_change, sequence_options};
use super::side::Side;
use super::{not_null, options};
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

/// The comment before a statement that deletes rows or values.
pub(super) const LOSES: &str = "-- loses data";

/// Declares a column for CREATE TABLE and ADD COLUMN.
pub(super) fn declaration(side: &Side, identity: &Identity, object: &Object) -> String {
    let options = options::with_options(object.get(property::FOREIGN_OPTIONS));
    let typed = match object.get(property::COLLATION).filter(|_| !options.is_empty()) {
        Some(collation) => {
            format!(
                "{}{options} COLLATE {collation}",
                object.get(property::TYPE).unwrap_or_default()
            )
        }
        None => typed(object) + &options,
    };
    format!("{} {typed}{}", own(identity, object), rest(side, identity, object))
}

/// A column of a typed table, unless its type says all.
pub(super) fn with_options(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    let rest = rest(side, identity, object);
    (!rest.is_empty()).then(|| format!("\n  {} WITH OPTIONS{rest}", own(identity, object)))
}

/// The clauses of a column after its type.
fn rest(side: &Side, identity: &Identity, object: &Object) -> String {
    let mut text = String::new();
    if let Some(expression) =
        object.get(property::DEFAULT).filter(|_| !side.split.contains(identity))
    {
        text.push_str(&format!(" DEFAULT {expression}"));
    }
    if let Some((expression, how)) = generated(object) {
        text.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {how}"));
    }
    if let Some(how) = identity_of(side, identity, object) {
        text.push_str(&format!(" GENERATED {how}"));
    }
    text.push_str(&not_null::declared(identity, object));
    text
}

/// The type with its collation.
pub(super) fn typed(object: &Object) -> String {
    let name = object.get(property::TYPE).unwrap_or_default();
    match object.get(property::COLLATION) {
        Some(collation) => format!("{name} COLLATE {collation}"),
        None => name.to_owned(),
    }
}

fn generated(object: &Object) -> Option<(&str, String)> {
    let (expression, how) = object.get(property::GENERATED)?.rsplit_once(' ')?;
    Some((expression, how.to_uppercase()))
}

fn identity_of(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    let how = object.get(property::IDENTITY)?.to_uppercase();
    Some(match side.identity_sequence(identity, object) {
        Some((name, sequence)) => {
            let options = sequence_options(sequence);
            // the column has the type of the sequence
            let options = options.split_once(" START ").map_or("", |(_, rest)| rest);
            format!("{how} AS IDENTITY (SEQUENCE NAME {} START {options})", name.name)
        }
        None => format!("{how} AS IDENTITY"),
    })
}

/// The statements for properties that a declaration cannot contain.
pub(super) fn settings(identity: &Identity, object: &Object) -> Vec<String> {
    let names = [property::STORAGE, property::COMPRESSION, property::STATISTICS, property::OPTIONS];
    let set = |name: &&str| setting(identity, object, name, object.get(name)?);
    names.iter().filter_map(set).chain(not_null::afterwards(identity, object)).collect()
}

fn setting(identity: &Identity, object: &Object, name: &str, value: &str) -> Option<String> {
    let what = match name {
        property::STORAGE | property::COMPRESSION => {
            format!("SET {} {}", name.to_uppercase(), value.to_uppercase())
        }
        property::STATISTICS => format!("SET STATISTICS {value}"),
        property::OPTIONS => format!("SET ({})", super::name::options(value)),
        _ => return None,
    };
    Some(alter(identity, object, &what))
}

/// Builds `ALTER TABLE … ALTER COLUMN …`.
pub(super) fn alter(identity: &Identity, object: &Object, what: &str) -> String {
    format!("{} ALTER COLUMN {} {what};", alter_container(object), own(identity, object))
}

fn is_attribute(object: &Object) -> bool {
    object.container.as_ref().is_some_and(|container| container.kind == Kind::Type)
}

pub(super) fn add(side: &Side, identity: &Identity, object: &Object) -> Vec<String> {
    let head = alter_container(object);
    if is_attribute(object) {
        let name = own(identity, object);
        return vec![format!("{head} ADD ATTRIBUTE {name} {};", typed(object))];
    }
    let mut all = Vec::new();
    let fills_itself = [property::DEFAULT, property::GENERATED, property::IDENTITY]
        .iter()
        .any(|p| object.get(p).is_some());
    if object.get(property::NOT_NULL).is_some() && !fills_itself {
        all.push(
            "-- fails where the table has rows: give it a default, or fill it first".to_owned(),
        );
    }
    all.push(format!("{head} ADD COLUMN {};", declaration(side, identity, object)));
    all.extend(settings(identity, object));
    all
}

pub(super) fn remove(identity: &Identity, object: &Object) -> Vec<String> {
    let (head, name) = (alter_container(object), own(identity, object));
    let word = if is_attribute(object) { "ATTRIBUTE" } else { "COLUMN" };
    let statement = format!("{head} DROP {word} {name};");
    // a generated column can be generated again
    let loses = object.get(property::GENERATED).is_none().then(|| LOSES.to_owned());
    loses.into_iter().chain([statement]).collect()
}

/// Changes the type, or converts to a new type of the same name. A default is dropped and set
/// again, because PostgreSQL may be unable to cast it.
pub(super) fn retype(identity: &Identity, before: &Object, after: &Object) -> Vec<String> {
    let name = own(identity, after);
    let typed = typed(after);
    if is_attribute(after) {
        return vec![format!("{} ALTER ATTRIBUTE {name} TYPE {typed};", alter_container(after))];
    }
    let plain = after.get(property::TYPE).unwrap_or_default();
    // every type can be read from text
    let via = if before.get(property::TYPE) == Some(plain) { "::text" } else { "" };
    let mut all = Vec::new();
    if before.get(property::DEFAULT).is_some() {
        all.push(alter(identity, before, "DROP DEFAULT"));
    }
    if after.get(property::GENERATED).is_some() {
        return vec![alter(identity, after, &format!("TYPE {typed}"))];
    }
    // an explicit cast cuts a text that is too long, where assigning it is an error
    let is_foreign =
        after.container.as_ref().is_some_and(|container| container.kind == Kind::ForeignTable);
    let using = if is_foreign
        || is_text(plain) && before.get(property::TYPE).is_some_and(is_text) && via.is_empty()
    {
        String::new()
    } else {
        format!(" USING {name}{via}::{plain}")
    };
    if !using.is_empty() && !is_wider(before.get(property::TYPE).unwrap_or_default(), plain) {
        all.push("-- may lose data: values are cast".to_owned());
    }
    all.push(alter(identity, after, &format!("TYPE {typed}{using}")));
    if let Some(default) = after.get(property::DEFAULT) {
        all.push(alter(identity, after, &format!("SET DEFAULT {default}")));
    }
    all
}

fn is_text(name: &str) -> bool {
    let name = name.split('(').next().unwrap_or_default();
    ["text", "character varying"].contains(&name)
}

/// Checks whether every value of one type keeps its meaning in the other.
fn is_wider(from: &str, to: &str) -> bool {
    let numbers = ["smallint", "integer", "bigint", "numeric"];
    let place = |name: &str| numbers.iter().position(|known| *known == name);
    from == to || to == "text" || place(from) < place(to) && place(from).is_some()
}

/// Changes one property of a column of a table or a view. `None` if no statement can do it.
pub(super) fn change(
    side: &Side,
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let value = after.get(property);
    let alter = |what: &str| Some(vec![alter(identity, after, what)]);
    match (property, value) {
        (property::TYPE | property::COLLATION, _) => Some(retype(identity, before, after)),
        _ if is_attribute(after) => None,
        // the table's inheritance decides it
        (property::INHERITED, _) => Some(Vec::new()),
        (property::NOT_NULL, _) => not_null::change(identity, before, after),
        (property::NOT_NULL_CONSTRAINT, _) => {
            not_null::rename(&alter_container(after), before, after)
        }
        (property::DEFAULT, Some(expression)) => alter(&format!("SET DEFAULT {expression}")),
        (property::DEFAULT, None) if after.get(property::GENERATED).is_some() => Some(Vec::new()),
        (property::DEFAULT, None) => alter("DROP DEFAULT"),
        (property::GENERATED, None) => alter("DROP EXPRESSION"),
        (property::IDENTITY, None) => alter("DROP IDENTITY"),
        (property::IDENTITY, Some(how)) if before.get(property::IDENTITY).is_some() => {
            alter(&format!("SET GENERATED {}", how.to_uppercase()))
        }
        (property::IDENTITY, Some(_)) => {
            alter(&format!("ADD GENERATED {}", identity_of(side, identity, after)?))
        }
        (property::STORAGE, None) => alter(&format!("SET STORAGE {}", usual_storage(after))),
        (property::COMPRESSION, None) => alter("SET COMPRESSION DEFAULT"),
        (property::STATISTICS, None) => alter("SET STATISTICS -1"),
        (property::OPTIONS, _) => Some(options(identity, before, after)),
        (property::FOREIGN_OPTIONS, _) => {
            let what = column_options(identity, before, after);
            Some(vec![format!("{} {what};", alter_container(after))])
        }
        (name, Some(value)) => setting(identity, after, name, value).map(|one| vec![one]),
        (_, None) => None,
    }
}

/// The default storage of a type. PostgreSQL has the word DEFAULT for it only from 16 on.
fn usual_storage(object: &Object) -> &'static str {
    let name = object.get(property::TYPE).unwrap_or_default();
    match name.split('(').next().unwrap_or_default() {
        "numeric" | "inet" | "cidr" => "MAIN",
        "tsquery" => "PLAIN",
        _ => "EXTENDED",
    }
}

fn options(identity: &Identity, before: &Object, after: &Object) -> Vec<String> {
    let (reset, set) = option_change(before.get(property::OPTIONS), after.get(property::OPTIONS));
    reset.into_iter().chain(set).map(|what| alter(identity, after, &what)).collect()
}

/// The statements for properties in which an inherited column differs from its parent.
pub(super) fn deviations(side: &Side, identity: &Identity, object: &Object) -> Vec<String> {
    let Some((_, parent)) = side.inherited_from(identity, object) else {
        return settings(identity, object);
    };
    let differing = [
        property::NOT_NULL,
        property::DEFAULT,
        property::STORAGE,
        property::COMPRESSION,
        property::STATISTICS,
        property::OPTIONS,
    ];
    let differing = differing.iter().filter(|name| parent.get(name) != object.get(name));
    let nothing = Object { container: object.container.clone(), ..Object::default() };
    let statements = differing.filter_map(|name| {
        let is_kept = *name != property::NOT_NULL || not_null::is_inherited(parent);
        change(side, identity, if is_kept { parent } else { &nothing }, object, name)
    });
    statements.flatten().collect()
}
