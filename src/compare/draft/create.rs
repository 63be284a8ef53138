//! Statements that make objects. There are none for objects of the cluster and for rare kinds.

use super::column;
use super::name;
use super::name::{OWNER, alter_container, called, comment, container, items, options, own};
use super::not_null;
use super::options::sequence_options;
use super::side::Side;
use super::{acl, aggregate, along, alter, native, privilege, rare};
use crate::compare::facts::property;
use crate::compare::facts::{Facts, Identity, Kind, Object};
use crate::postgres::sql::quote::quote_literal;

/// The statements that make an object of `side` with its comment, owner and privileges. Parts that
/// have their own statements are not among them. `None` if no statement can make the object.
pub(super) fn create(
    side: &Side,
    from: &Facts,
    identity: &Identity,
    object: &Object,
) -> Option<Vec<String>> {
    let mut all = match identity.kind {
        Kind::DefaultPrivileges => return acl::defaults(side.facts, identity, None, Some(object)),
        Kind::Privileges => return privilege::begin(from, identity, object),
        Kind::Column => column::add(side, identity, object),
        Kind::Table => table(side, identity, object)?,
        kind => match bare(side, kind, identity, object) {
            Some(statement) => vec![statement],
            None => rare::create(side, identity, object)?,
        },
    };
    all.extend(afterwards(side, identity, object));
    let extensions = object.properties.keys().filter(|name| name.starts_with(name::DEPENDS));
    all.extend(extensions.filter_map(|name| along::depends(identity, object, name)));
    match identity.kind {
        // the privileges of the table come first
        Kind::Column => {
            all.extend(object.get(property::COMMENT).map(|c| comment(identity, object, Some(c))))
        }
        _ => all.extend(remarks(from, identity, object)),
    }
    if matches!(
        identity.kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Type
    ) {
        for (column, object) in side.columns(identity) {
            all.extend(remarks(from, column, object));
        }
    }
    Some(all)
}

fn bare(side: &Side, kind: Kind, identity: &Identity, object: &Object) -> Option<String> {
    let name = &identity.name;
    let definition = || object.get(property::DEFINITION).map(|text| text.trim_end_matches(';'));
    Some(match kind {
        Kind::Schema => format!("CREATE SCHEMA {name};"),
        Kind::Extension => {
            let (schema, version) = (object.get(property::SCHEMA)?, object.get(property::VERSION)?);
            let version = quote_literal(version);
            let which = format!("SCHEMA {schema} VERSION {}", version.trim());
            format!("CREATE EXTENSION {name} {which};")
        }
        Kind::Type => composite_or_range(side, identity, object)?,
        Kind::Domain => domain(side, identity, object)?,
        Kind::Enum => {
            format!("CREATE TYPE {name} AS ENUM ({});", object.get(property::LABELS).unwrap_or(""))
        }
        Kind::Function | Kind::Procedure | Kind::Index | Kind::Statistics | Kind::Rule => {
            format!(
                "{};",
                definition()?.replacen(" ON ONLY ", " ON ", usize::from(kind == Kind::Index))
            )
        }
        Kind::Trigger if own(identity, object).starts_with("hectic_") => {
            // the bundle may have made it already
            format!("{};", definition()?.replacen("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1))
        }
        Kind::Trigger => format!("{};", definition()?),
        Kind::Aggregate => aggregate::create(name, object)?,
        Kind::Collation => collation(name, object)?,
        Kind::Sequence => {
            let kept = if object.get(property::PERSISTENCE).is_some() { "UNLOGGED " } else { "" };
            format!("CREATE {kept}SEQUENCE {name}{};", sequence_options(object))
        }
        Kind::View => {
            let with = object.get(property::OPTIONS).map(|o| format!(" WITH ({})", options(o)));
            format!("CREATE VIEW {name}{} AS\n{};", with.unwrap_or_default(), definition()?)
        }
        Kind::MaterializedView => {
            let with = object.get(property::OPTIONS).map(|o| format!(" WITH ({})", options(o)));
            let data = if object.get(property::POPULATED).is_some() {
                "WITH NO DATA"
            } else {
                "WITH DATA"
            };
            let (with, name) = (with.unwrap_or_default(), called(identity, object));
            format!("CREATE {name}{with} AS\n{}\n{data};", definition()?)
        }
        Kind::Constraint => {
            let (own, definition) = (own(identity, object), object.get(property::DEFINITION)?);
            format!("{} ADD CONSTRAINT {own} {definition};", alter_container(object))
        }
        Kind::Policy => policy(identity, object),
        Kind::Publication => publication(name, object),
        _ => return None,
    })
}

/// The statements for owner, privileges and comment of a new object.
fn remarks(from: &Facts, identity: &Identity, object: &Object) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(owner) = object.get(property::OWNER).filter(|owner| *owner != OWNER)
        && identity.kind != Kind::Extension
    {
        all.push(format!("ALTER {} OWNER TO {};", called(identity, object), name::role(owner)));
    }
    all.extend(acl::begin(from, identity, object).unwrap_or_default());
    all.extend(object.get(property::COMMENT).map(|text| comment(identity, object, Some(text))));
    all
}

/// The statements for properties that the CREATE statement cannot contain.
fn afterwards(side: &Side, identity: &Identity, object: &Object) -> Vec<String> {
    let names: &[&str] = match identity.kind {
        Kind::Table => &[
            property::TOAST_OPTIONS,
            property::REPLICA_IDENTITY,
            property::ROW_SECURITY,
            property::FORCED_ROW_SECURITY,
        ],
        Kind::Trigger | Kind::Rule | Kind::EventTrigger => &[property::ENABLED],
        Kind::Index => &[property::CLUSTERED, property::REPLICA_IDENTITY, property::STATISTICS],
        Kind::Statistics => &[property::STATISTICS],
        Kind::Domain => {
            let checks = checks(side, identity).into_iter();
            let said =
                checks.filter_map(|(i, o)| Some(comment(i, o, Some(o.get(property::COMMENT)?))));
            return said.collect();
        }
        _ => return Vec::new(),
    };
    let nothing = Object { container: object.container.clone(), ..Object::default() };
    let there = names.iter().filter(|name| object.get(name).is_some());
    there
        .filter_map(|name| alter::property(side, identity, &nothing, object, name))
        .flatten()
        .collect()
}

fn table(side: &Side, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let name = &identity.name;
    if object.get(property::TABLESPACE).is_some() {
        return None;
    }
    let kept = if object.get(property::PERSISTENCE).is_some() { "UNLOGGED " } else { "" };
    let is_later = |column: &Identity, o: &Object| {
        o.get(property::DEFAULT).is_none() && side.split.contains(column)
    };
    let mut columns = side.columns(identity);
    columns.retain(|(column, object)| !is_later(column, object));
    // a child cannot declare the expression that it inherits
    let is_same = |column: &Identity, object: &Object| {
        let expression = object.get(property::GENERATED);
        let parent = side.inherited_from(column, object);
        expression.is_some()
            && parent.is_some_and(|(_, parent)| parent.get(property::GENERATED) == expression)
    };
    let (own, inherited): (Vec<_>, Vec<_>) = columns.into_iter().partition(|(name, column)| {
        column.get(property::INHERITED) != Some("yes") && !is_same(name, column)
    });
    let bound = object.get(property::PARTITION_BOUND);
    let mut text = match (bound, object.get(property::OF_TYPE)) {
        (Some(bound), _) => {
            let of = format!("PARTITION OF {}", object.get(property::INHERITS)?);
            format!("CREATE {kept}TABLE {name} {of} {bound}")
        }
        (None, Some(of)) => {
            let options = own.iter().filter_map(|(i, o)| column::with_options(side, i, o));
            let options = options.collect::<Vec<_>>().join(",");
            let options = if options.is_empty() { options } else { format!(" ({options}\n)") };
            let of = format!("OF {of}{options}");
            format!("CREATE {kept}TABLE {name} {of}")
        }
        (None, None) => {
            let own = own.iter().map(|(i, o)| format!("\n  {}", column::declaration(side, i, o)));
            let own = own.collect::<Vec<_>>().join(",");
            format!("CREATE {kept}TABLE {name} ({own}\n)")
        }
    };
    if let (None, Some(parents)) = (bound, object.get(property::INHERITS)) {
        text.push_str(&format!(" INHERITS ({parents})"));
    }
    for (property, before, after) in [
        (property::PARTITION_KEY, " PARTITION BY ", ""),
        (property::ACCESS_METHOD, " USING ", ""),
        (property::OPTIONS, " WITH (", ")"),
    ] {
        if let Some(value) = object.get(property) {
            let value =
                if property == property::OPTIONS { options(value) } else { value.to_owned() };
            text.push_str(&format!("{before}{value}{after}"));
        }
    }
    text.push(';');
    let mut all = vec![text];
    for (column, object) in own {
        all.extend(column::settings(column, object));
    }
    for (column, object) in inherited {
        all.extend(column::deviations(side, column, object));
    }
    Some(all)
}

/// Declares a domain with its checks, because a check cannot be added once another type contains
/// values of the domain.
fn domain(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    object.get(property::TYPE)?;
    let mut text = format!("CREATE DOMAIN {} AS {}", identity.name, column::typed(object));
    if let Some(default) = object.get(property::DEFAULT) {
        text.push_str(&format!(" DEFAULT {default}"));
    }
    let checks = checks(side, identity);
    let definitions = checks.iter().filter_map(|(_, check)| check.get(property::DEFINITION));
    text.push_str(&not_null::declared(identity, object));
    for (check, definition) in checks.iter().zip(definitions) {
        text.push_str(&format!(" CONSTRAINT {} {definition}", own(check.0, check.1)));
    }
    Some(text + ";")
}

/// The checks that are declared with a domain.
fn checks<'a>(side: &Side<'a>, domain: &Identity) -> Vec<(&'a Identity, &'a Object)> {
    let parts = side.parts(domain).iter().copied();
    parts.filter(|(part, check)| side.is_inline(part, check)).collect()
}

/// Declares a collation of the C library, of ICU or of PostgreSQL itself.
fn collation(name: &str, object: &Object) -> Option<String> {
    let mut parts = vec![format!("provider = {}", object.get(property::PROVIDER)?)];
    for (property, word) in [
        (property::LOCALE, "locale"),
        (property::COLLATE, "lc_collate"),
        (property::CTYPE, "lc_ctype"),
        (property::RULES, "rules"),
    ] {
        let value = object.get(property).map(|value| quote_literal(value).trim().to_owned());
        parts.extend(value.map(|value| format!("{word} = {value}")));
    }
    parts.extend(object.get(property::DETERMINISTIC).map(|_| "deterministic = false".to_owned()));
    Some(format!("CREATE COLLATION {name} ({});", parts.join(", ")))
}

fn composite_or_range(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    let name = &identity.name;
    match object.get(property::FORM)? {
        "composite" => {
            let columns = side.columns(identity);
            let columns =
                columns.iter().map(|(i, o)| format!("{} {}", own(i, o), column::typed(o)));
            let columns = columns.collect::<Vec<_>>().join(", ");
            Some(format!("CREATE TYPE {name} AS ({columns});"))
        }
        "shell" => Some(format!("CREATE TYPE {name};")),
        "base" => native::base_type(name, object),
        "range" => {
            let mut parts = vec![format!("SUBTYPE = {}", object.get(property::SUBTYPE)?)];
            for (property, word) in [
                (property::SUBTYPE_COLLATION, "COLLATION"),
                (property::MULTIRANGE, "MULTIRANGE_TYPE_NAME"),
            ] {
                parts.extend(object.get(property).map(|value| format!("{word} = {value}")));
            }
            // the classes of PostgreSQL that are no default
            let is_special = |class: &str| {
                !class.starts_with("pg_catalog.")
                    || class.contains("pattern")
                    || class.contains("image")
            };
            let class = object.get(property::SUBTYPE_CLASS).and_then(|c| c.rsplit_once(" USING "));
            let class = class.filter(|(class, _)| is_special(class));
            parts.extend(class.map(|(class, _)| format!("SUBTYPE_OPCLASS = {class}")));
            for (property, word) in
                [(property::CANONICAL, "CANONICAL"), (property::DIFFERENCE, "SUBTYPE_DIFF")]
            {
                let function = object.get(property).and_then(|text| text.split('(').next());
                parts.extend(function.map(|function| format!("{word} = {function}")));
            }
            Some(format!("CREATE TYPE {name} AS RANGE ({});", parts.join(", ")))
        }
        _ => None,
    }
}

fn policy(identity: &Identity, object: &Object) -> String {
    let (own, table) = (own(identity, object), container(object));
    let mut text = format!("CREATE POLICY {own} ON {table}");
    if object.get(property::PERMISSIVE).is_some() {
        text.push_str(" AS RESTRICTIVE");
    }
    let command = object.get(property::COMMAND).unwrap_or("all").to_uppercase();
    let roles =
        items(object.get(property::ROLES).unwrap_or("public")).into_iter().map(|role| match role {
            "public" => "PUBLIC".to_owned(),
            OWNER => name::role(OWNER),
            quoted => quoted.to_owned(),
        });
    let roles = roles.collect::<Vec<_>>().join(", ");
    text.push_str(&format!(" FOR {command} TO {roles}"));
    for (property, words) in [(property::USING, "USING"), (property::WITH_CHECK, "WITH CHECK")] {
        if let Some(expression) = object.get(property) {
            text.push_str(&format!(" {words} ({expression})"));
        }
    }
    text + ";"
}

fn publication(name: &str, object: &Object) -> String {
    let mut what = Vec::new();
    for (property, value) in &object.properties {
        if let Some(table) = property.strip_prefix("table ") {
            let (columns, condition) =
                value.split_once(" where ").map_or((value.as_str(), None), |(c, w)| (c, Some(w)));
            let columns = if columns == "(all columns)" { "" } else { columns };
            let condition = condition.map(|c| format!(" WHERE ({c})")).unwrap_or_default();
            what.push(format!("TABLE {table} {columns}{condition}").trim_end().to_owned());
        } else if let Some(schema) = property.strip_prefix("schema ") {
            what.push(format!("TABLES IN SCHEMA {schema}"));
        }
    }
    let mut text = format!("CREATE PUBLICATION {name}");
    match (object.get(property::ALL_TABLES), what.is_empty()) {
        (Some(_), _) => text.push_str(" FOR ALL TABLES"),
        (None, true) => {}
        (None, false) => text.push_str(&format!(" FOR {}", what.join(", "))),
    }
    let mut with =
        vec![format!("publish = '{}'", object.get(property::OPERATIONS).unwrap_or_default())];
    if object.get(property::VIA_ROOT).is_some() {
        with.push("publish_via_partition_root".to_owned());
    }
    text + &format!(" WITH ({});", with.join(", "))
}
