//! Statements that change an object, one property at a time.

use super::column;
use super::name::{alter_container, called, comment, container, items, noun, own, role};
use super::not_null;
use super::options::{enabled, option_change};
use super::side::Side;
use super::{acl, along, enums, name, native, privilege, rare};
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};

/// The statements that change a property from `before` to `after`. `side` is the side of `after`.
/// `None` if no statement can do it.
pub(super) fn property(
    side: &Side,
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let one = |text: String| Some(vec![text]);
    let value = after.get(property);
    match (identity.kind, property) {
        (Kind::Database, property::ACL) => privilege::database(side.facts, identity, before, after),
        (Kind::Database, _) => None,
        (Kind::Privileges, _) => privilege::change(identity, before, after),
        (Kind::DefaultPrivileges, property::ACL) => {
            acl::defaults(side.facts, identity, Some(before), Some(after))
        }
        (_, property::ACL) => acl::change(side.facts, identity, before, after),
        (_, property::COMMENT) => one(comment(identity, after, value)),
        (Kind::Extension, property::OWNER) => None,
        // its table takes it along
        (Kind::Sequence, property::OWNER) if before.get(property::OWNED_BY).is_some() => {
            Some(Vec::new())
        }
        (_, property::OWNER) => {
            one(format!("ALTER {} OWNER TO {};", called(identity, after), role(value?)))
        }
        (Kind::Column, _) => column::change(side, identity, before, after, property),
        (_, property) if property.starts_with(name::DEPENDS) => {
            along::depends(identity, after, property).map(|one| vec![one])
        }
        (Kind::Table, _) => table(identity, before, after, property),
        (Kind::ForeignTable, property::FOREIGN_OPTIONS) => {
            rare::change(identity, before, after, property)
        }
        (Kind::ForeignTable, _) => table(identity, before, after, property),
        (Kind::Constraint, property::DEFINITION)
            if after.get(property::INHERITED) == Some("yes") =>
        {
            Some(along::validated(side, identity, after).unwrap_or_default())
        }
        (Kind::Constraint, property::DEFINITION) => Some(vec![along::validate(identity, after)]),
        (Kind::View | Kind::MaterializedView, property::OPTIONS) => {
            let (reset, set) = option_change(before.get(property), value);
            let head = called(identity, after);
            Some(reset.into_iter().chain(set).map(|what| format!("ALTER {head} {what};")).collect())
        }
        (Kind::Sequence, _) => sequence(identity, before, after, property),
        (Kind::Domain, property::NOT_NULL_CONSTRAINT) => {
            not_null::rename(&format!("ALTER DOMAIN {}", identity.name), before, after)
        }
        (Kind::Domain, _) => domain(identity, after, property),
        (Kind::Enum, property::LABELS) => enums::added(identity, before, after),
        (Kind::Extension, property::VERSION) => {
            one(format!("ALTER EXTENSION {} UPDATE TO '{}';", identity.name, value?))
        }
        (Kind::Extension, property::SCHEMA) => {
            one(format!("ALTER EXTENSION {} SET SCHEMA {};", identity.name, value?))
        }
        (Kind::Trigger | Kind::Rule, property::ENABLED) => {
            let word = noun(identity.kind);
            let how = enabled(value);
            let own = own(identity, after);
            one(format!("{} {how} {word} {own};", alter_container(after)))
        }
        // with CREATE OR REPLACE
        (Kind::Function | Kind::Procedure, property::DEFINITION) => one(format!("{};", value?)),
        (Kind::Statistics, property::STATISTICS) => {
            let target = value.unwrap_or("-1");
            one(format!("ALTER {} SET STATISTICS {target};", called(identity, after)))
        }
        (
            Kind::Index,
            property::CLUSTERED
            | property::STATISTICS
            | property::REPLICA_IDENTITY
            | property::DEFINITION,
        ) => index(side, identity, before, after, property),
        (_, property::INHERITED | property::PART_OF) => Some(Vec::new()),
        _ => rare::change(identity, before, after, property),
    }
}

fn index(
    side: &Side,
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let own = unqualified(&identity.name);
    let alter = |what: &str| {
        let table = table_of(side, after)?;
        Some(vec![format!("ALTER TABLE {table} {what};")])
    };
    match (property, after.get(property)) {
        (property::CLUSTERED, Some(_)) => alter(&format!("CLUSTER ON {own}")),
        (property::CLUSTERED, None) => alter("SET WITHOUT CLUSTER"),
        (property::STATISTICS, _) => Some(index_statistics(identity, before, after)),
        (property::REPLICA_IDENTITY, Some(_)) => {
            alter(&format!("REPLICA IDENTITY USING INDEX {own}"))
        }
        // the table names the new replica identity
        (property::REPLICA_IDENTITY, None) => Some(Vec::new()),
        _ => along::index_options(identity, before, after),
    }
}

/// The targets of expressions in an index, from `1: 100, 2: 50`.
fn index_statistics(identity: &Identity, before: &Object, after: &Object) -> Vec<String> {
    let list = |object: &Object| -> Vec<(String, String)> {
        let items = items(object.get(property::STATISTICS).unwrap_or_default()).into_iter();
        let pairs = items.filter_map(|item| item.split_once(": "));
        pairs.map(|(number, target)| (number.to_owned(), target.to_owned())).collect()
    };
    let (old, new) = (list(before), list(after));
    let gone = old.iter().filter(|(number, _)| !new.iter().any(|(other, _)| other == number));
    let gone = gone.map(|(number, _)| (number.clone(), "-1".to_owned()));
    let set = new.iter().filter(|one| !old.contains(one)).cloned();
    let name = &identity.name;
    let alter = |(number, target)| {
        let what = format!("COLUMN {number} SET STATISTICS {target}");
        format!("ALTER INDEX {name} ALTER {what};")
    };
    gone.chain(set).map(alter).collect()
}

/// The table of an index, also where the index is a constraint's.
fn table_of(side: &Side, index: &Object) -> Option<String> {
    let container = index.container.as_ref()?;
    match container.kind {
        Kind::Constraint => Some(self::container(side.facts.get(container)?).to_owned()),
        _ => Some(container.name.clone()),
    }
}

fn unqualified(name: &str) -> &str {
    enums::split(name).1
}

fn table(
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let value = after.get(property);
    let alter = |what: &str| Some(vec![format!("ALTER TABLE {} {what};", identity.name)]);
    match (property, value) {
        (property::OF_TYPE, Some(of)) => alter(&format!("OF {of}")),
        (property::OF_TYPE, None) => alter("NOT OF"),
        (property::PERSISTENCE, Some(_)) => alter("SET UNLOGGED"),
        (property::PERSISTENCE, None) => alter("SET LOGGED"),
        (property::ACCESS_METHOD, _) => {
            alter(&format!("SET ACCESS METHOD {}", value.unwrap_or("heap")))
        }
        (property::ROW_SECURITY, Some(_)) => alter("ENABLE ROW LEVEL SECURITY"),
        (property::ROW_SECURITY, None) => alter("DISABLE ROW LEVEL SECURITY"),
        (property::FORCED_ROW_SECURITY, Some(_)) => alter("FORCE ROW LEVEL SECURITY"),
        (property::FORCED_ROW_SECURITY, None) => alter("NO FORCE ROW LEVEL SECURITY"),
        // the index sets it
        (property::REPLICA_IDENTITY, Some("index")) => Some(Vec::new()),
        (property::REPLICA_IDENTITY, _) => {
            let how = value.unwrap_or("default").to_uppercase();
            alter(&format!("REPLICA IDENTITY {how}"))
        }
        (property::OPTIONS | property::TOAST_OPTIONS, _) => {
            let prefix = if property == property::OPTIONS { "" } else { "toast." };
            let with = |list: Option<&str>| {
                let items = items(list?);
                Some(items.iter().map(|i| format!("{prefix}{i}")).collect::<Vec<_>>().join(", "))
            };
            let (old, new) = (with(before.get(property)), with(value));
            let (reset, set) = option_change(old.as_deref(), new.as_deref());
            let each = reset.into_iter().chain(set);
            Some(each.map(|what| format!("ALTER TABLE {} {what};", identity.name)).collect())
        }
        (property::INHERITS, _) if bound(before).or(bound(after)).is_some() => Some(Vec::new()),
        (property::INHERITS, _) => inherits(identity, before, after),
        (property::PARTITION_BOUND, _) => Some(partition(identity, before, after)),
        _ => None,
    }
}

fn bound(object: &Object) -> Option<&str> {
    object.get(property::PARTITION_BOUND)
}

fn partition(identity: &Identity, before: &Object, after: &Object) -> Vec<String> {
    let mut all = Vec::new();
    let name = &identity.name;
    if let (Some(_), Some(parent)) = (bound(before), before.get(property::INHERITS)) {
        let what = format!("DETACH PARTITION {name}");
        all.push(format!("ALTER TABLE {parent} {what};"));
    }
    if let (Some(bound), Some(parent)) = (bound(after), after.get(property::INHERITS)) {
        let what = format!("ATTACH PARTITION {name} {bound}");
        all.push(format!("ALTER TABLE {parent} {what};"));
    }
    all
}

/// Changes the parents in one statement, so that the table never lacks an inherited constraint.
fn inherits(identity: &Identity, before: &Object, after: &Object) -> Option<Vec<String>> {
    let list = |object: &Object| -> Vec<String> {
        items(object.get(property::INHERITS).unwrap_or_default())
            .iter()
            .map(|i| (*i).to_owned())
            .collect()
    };
    let (old, new) = (list(before), list(after));
    let left = old.iter().filter(|parent| !new.contains(parent)).map(|p| format!("NO INHERIT {p}"));
    let joined = new.iter().filter(|parent| !old.contains(parent)).map(|p| format!("INHERIT {p}"));
    let all: Vec<String> = left.chain(joined).collect();
    // no statement changes only the order of parents
    (!all.is_empty()).then(|| vec![format!("ALTER TABLE {} {};", identity.name, all.join(", "))])
}

fn sequence(
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let name = &identity.name;
    let what = match (property, after.get(property)) {
        (property::PERSISTENCE, Some(_)) => "SET UNLOGGED".to_owned(),
        (property::PERSISTENCE, None) => "SET LOGGED".to_owned(),
        (property::OWNED_BY, column) => format!("OWNED BY {}", column.unwrap_or("NONE")),
        _ => return Some(super::sequence::change(identity, before, after)),
    };
    Some(vec![format!("ALTER SEQUENCE {name} {what};")])
}

fn domain(identity: &Identity, after: &Object, property: &str) -> Option<Vec<String>> {
    let what = match (property, after.get(property)) {
        (property::DEFAULT, Some(expression)) => format!("SET DEFAULT {expression}"),
        (property::DEFAULT, None) => "DROP DEFAULT".to_owned(),
        (property::NOT_NULL, Some(_)) => "SET NOT NULL".to_owned(),
        (property::NOT_NULL, None) => "DROP NOT NULL".to_owned(),
        _ => return None,
    };
    Some(vec![format!("ALTER DOMAIN {} {what};", identity.name)])
}

/// The statements that drop an object. `None` if no statement can do it.
pub(super) fn drop(side: &Side, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let name = called(identity, object);
    let statement = |words: &str| Some(vec![format!("DROP {words};")]);
    match identity.kind {
        Kind::Column => Some(column::remove(identity, object)),
        Kind::DefaultPrivileges => acl::defaults(side.facts, identity, Some(object), None),
        Kind::Privileges => privilege::end(identity, object),
        Kind::Constraint => {
            let own = own(identity, object);
            Some(vec![format!("{} DROP CONSTRAINT {own};", alter_container(object))])
        }
        // its functions need it, and it needs them
        Kind::Type if native::begin(side, identity).is_some() => statement(&(name + " CASCADE")),
        Kind::Table => {
            // a foreign key to the parent keeps a partition
            let is_kept = || side.references().iter().any(|(_, _, table)| *table == identity);
            let parent = object.get(property::PARTITION_BOUND).and(object.get(property::INHERITS));
            let parent = parent.filter(|_| is_kept());
            let detach = parent.map(|parent| {
                let what = format!("DETACH PARTITION {}", identity.name);
                format!("ALTER TABLE {parent} {what};")
            });
            let dropped = [column::LOSES.to_owned(), format!("DROP {name};")];
            Some(detach.into_iter().chain(dropped).collect())
        }
        // dropping its column may have dropped it already
        Kind::Sequence => statement(&format!("SEQUENCE IF EXISTS {}", identity.name)),
        Kind::Trigger if own(identity, object).starts_with("hectic_") => statement(&format!(
            "TRIGGER IF EXISTS {} ON {}",
            own(identity, object),
            container(object)
        )),
        Kind::Schema
        | Kind::Extension
        | Kind::Collation
        | Kind::Type
        | Kind::Domain
        | Kind::Enum
        | Kind::Function
        | Kind::Procedure
        | Kind::Aggregate
        | Kind::View
        | Kind::MaterializedView
        | Kind::Index
        | Kind::Statistics
        | Kind::Trigger
        | Kind::Rule
        | Kind::Policy
        | Kind::Publication => statement(&name),
        _ => rare::drop(side, identity, object),
    }
}
