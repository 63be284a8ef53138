//! Objects of rarer kinds: event triggers, casts, operators, text search, foreign servers and tables.

use super::column;
use super::mention::chains;
use super::name::{called, items};
use super::native;
use super::options::{changed_options, enabled, pairs, with_options};
use super::side::Side;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};
use crate::postgres::sql::quote::{quote_ident, quote_literal};

/// The beginning of a property that maps a token type of a text search configuration to
/// dictionaries.
const MAPPING: &str = "mapping of ";

/// The statements that make the object. `None` if there are none.
pub(super) fn create(side: &Side, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let (name, called) = (&identity.name, called(identity, object));
    let one = |text: String| Some(vec![text]);
    match identity.kind {
        Kind::EventTrigger => one(event_trigger(name, object)?),
        Kind::Cast => one(cast(name, object)?),
        Kind::Operator => one(operator(name, object)?),
        Kind::TextSearchDictionary => {
            let options = object.get(property::OPTIONS).map(|options| format!(", {options}"));
            let (template, options) =
                (object.get(property::TEMPLATE)?, options.unwrap_or_default());
            let with = format!("TEMPLATE = {template}{options}");
            one(format!("CREATE {called} ({with});"))
        }
        Kind::TextSearchConfiguration => {
            let create = format!("CREATE {called} (PARSER = {});", object.get(property::PARSER)?);
            let nothing = Object::default();
            let names = object.properties.keys().filter(|name| name.starts_with(MAPPING));
            let mappings = names.filter_map(|name| mapping(identity, &nothing, object, name));
            Some(std::iter::once(create).chain(mappings).collect())
        }
        // its members have statements of their own
        Kind::OperatorFamily => one(format!("CREATE {called};")),
        Kind::OperatorClass => one(operator_class(side, identity, object)?),
        Kind::ForeignServer => one(server(name, object)?),
        // options hold passwords, which no facts have
        Kind::UserMapping if object.get(property::OPTIONS).is_none() => {
            one(format!("CREATE {};", user_mapping(identity)?))
        }
        Kind::ForeignTable => one(foreign_table(side, identity, object)?),
        Kind::FamilyOperator | Kind::FamilyFunction => {
            let (member, family) = (member(identity, object, true)?, family(identity)?);
            let what = format!("{family} ADD {member}");
            one(format!("ALTER OPERATOR FAMILY {what};"))
        }
        _ => native::create(identity, object).map(|one| vec![one]),
    }
}

/// The statements that drop the object. `None` if there are none.
pub(super) fn drop(side: &Side, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let mapping = |identity| user_mapping(identity).map(|what| format!("DROP {what};"));
    match identity.kind {
        Kind::UserMapping => mapping(identity).map(|one| vec![one]),
        Kind::ForeignServer => {
            let mut all: Vec<_> =
                side.parts(identity).iter().filter_map(|(part, _)| mapping(part)).collect();
            all.push(format!("DROP {};", called(identity, object)));
            Some(all)
        }
        Kind::FamilyOperator | Kind::FamilyFunction => {
            let (family, (word, number, types)) = (family(identity)?, place(identity)?);
            let what = format!("DROP {} {number} ({types})", word.to_uppercase());
            Some(vec![format!("ALTER OPERATOR FAMILY {family} {what};")])
        }
        Kind::EventTrigger
        | Kind::Cast
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::OperatorFamily
        | Kind::TextSearchDictionary
        | Kind::TextSearchConfiguration
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate
        | Kind::ForeignDataWrapper
        | Kind::AccessMethod
        | Kind::Language
        | Kind::Conversion
        | Kind::Transform
        | Kind::ForeignTable => Some(vec![format!("DROP {};", called(identity, object))]),
        _ => None,
    }
}

/// The statements for one property. `None` if there are none.
pub(super) fn change(
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let called = called(identity, after);
    let one = |text: String| Some(vec![text]);
    match (identity.kind, property) {
        (Kind::EventTrigger, property::ENABLED) => {
            one(format!("ALTER {called} {};", enabled(after.get(property))))
        }
        (Kind::TextSearchConfiguration, _) => {
            mapping(identity, before, after, property).map(|one| vec![one])
        }
        (Kind::TextSearchDictionary, property::OPTIONS) => {
            let changed = dictionary_options(before.get(property), after.get(property));
            one(format!("ALTER {called} ({changed});"))
        }
        (Kind::ForeignServer, property::VERSION) => {
            let version = after.get(property).map_or_else(|| "NULL".to_owned(), quote_literal);
            one(format!("ALTER {called} VERSION {};", version.trim()))
        }
        (Kind::ForeignServer | Kind::ForeignDataWrapper, property::OPTIONS)
        | (Kind::ForeignTable, property::FOREIGN_OPTIONS) => {
            let what = changed_options(before.get(property), after.get(property));
            one(format!("ALTER {called} OPTIONS ({what});"))
        }
        _ => native::change(identity, before, after, property),
    }
}

/// Whether a change of this property requires that the object is made again.
pub(super) fn is_anew(kind: Kind, property: &str) -> bool {
    let remarks = [property::COMMENT, property::OWNER, property::ACL];
    match kind {
        Kind::EventTrigger => property != property::ENABLED && !remarks.contains(&property),
        Kind::Cast
        | Kind::Operator
        | Kind::OperatorClass
        | Kind::FamilyOperator
        | Kind::FamilyFunction
        | Kind::AccessMethod
        | Kind::Conversion
        | Kind::TextSearchParser
        | Kind::TextSearchTemplate => !remarks.contains(&property),
        Kind::TextSearchDictionary => property == property::TEMPLATE,
        Kind::TextSearchConfiguration => property == property::PARSER,
        _ => false,
    }
}

fn event_trigger(name: &str, object: &Object) -> Option<String> {
    let (event, function) =
        (object.get(property::EVENT)?, function(object.get(property::FUNCTION)?));
    let tags = object.get(property::TAGS).map(|tags| {
        let tags: Vec<_> = items(tags).iter().map(|tag| format!("'{tag}'")).collect();
        format!(" WHEN TAG IN ({})", tags.join(", "))
    });
    let when = format!("ON {event}{}", tags.unwrap_or_default());
    let what = format!("{when} EXECUTE FUNCTION {function}()");
    Some(format!("CREATE EVENT TRIGGER {name} {what};"))
}

fn cast(name: &str, object: &Object) -> Option<String> {
    let how = match object.get(property::METHOD)? {
        "in and out" => "WITH INOUT".to_owned(),
        "binary" => "WITHOUT FUNCTION".to_owned(),
        function => format!("WITH FUNCTION {function}"),
    };
    let context = match object.get(property::CONTEXT)? {
        "explicit" => String::new(),
        other => format!(" AS {}", other.to_uppercase()),
    };
    Some(format!("CREATE CAST {name} {how}{context};"))
}

fn operator(name: &str, object: &Object) -> Option<String> {
    let (own, arguments) = name.strip_suffix(')')?.split_once('(')?;
    let (left, right) = two(arguments)?;
    let mut parts = vec![format!("FUNCTION = {}", function(object.get(property::FUNCTION)?))];
    let sides = [("LEFTARG", left), ("RIGHTARG", right)].into_iter();
    parts.extend(sides.filter(|(_, of)| *of != "NONE").map(|(word, of)| format!("{word} = {of}")));
    for (property, word) in [(property::COMMUTATOR, "COMMUTATOR"), (property::NEGATOR, "NEGATOR")] {
        let other = object.get(property).and_then(|other| other.split('(').next());
        let schema = |other: &str| if other.contains('.') { "" } else { "pg_catalog." };
        parts.extend(other.map(|own| format!("{word} = OPERATOR({}{own})", schema(own))));
    }
    for (property, word) in [(property::RESTRICTION, "RESTRICT"), (property::JOIN, "JOIN")] {
        parts.extend(object.get(property).map(|name| format!("{word} = {}", function(name))));
    }
    for (property, word) in [(property::HASHES, "HASHES"), (property::MERGES, "MERGES")] {
        parts.extend(object.get(property).map(|_| word.to_owned()));
    }
    Some(format!("CREATE OPERATOR {own} ({});", parts.join(", ")))
}

fn operator_class(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    let (name, method) = identity.name.rsplit_once(" USING ")?;
    let (of, family) = (object.get(property::TYPE)?, object.get(property::FAMILY)?);
    let default = if object.get(property::DEFAULT).is_some() { " DEFAULT" } else { "" };
    let mut parts = members(side, identity);
    let storage = object.get(property::STORAGE_TYPE);
    // a class without members needs something
    let storage = storage.or_else(|| parts.is_empty().then_some(of));
    parts.extend(storage.map(|storage| format!("STORAGE {storage}")));
    let family = family.rsplit_once(" USING ")?.0;
    let what = format!("FOR TYPE {of} USING {method} FAMILY {family} AS {}", parts.join(", "));
    let called = format!("{name}{default}");
    Some(format!("CREATE OPERATOR CLASS {called} {what};"))
}

/// The members of a class.
fn members(side: &Side, class: &Identity) -> Vec<String> {
    side.parts(class).iter().filter_map(|(part, object)| member(part, object, false)).collect()
}

/// `OPERATOR 1 <(a, b)` or `FUNCTION 1 f(a, b)`. With `typed`, a function has its types, which it
/// needs outside of a class.
fn member(part: &Identity, object: &Object, typed: bool) -> Option<String> {
    let (word, number, types) = place(part)?;
    let of = if typed { format!(" ({types})") } else { String::new() };
    if word != property::OPERATOR {
        return Some(format!("FUNCTION {number}{of} {}", object.get(property::FUNCTION)?));
    }
    let (own, arguments) = object.get(property::OPERATOR)?.split_once('(')?;
    let schema = if own.contains('.') { "" } else { "pg_catalog." };
    let sort = object.get(property::SORT_FAMILY).and_then(|f| f.rsplit_once(" USING "));
    let sort = sort.map(|(family, _)| format!(" FOR ORDER BY {family}")).unwrap_or_default();
    Some(format!("OPERATOR {number} {schema}{own} ({arguments}{sort}"))
}

/// The word, the number and the types of `operator 1 (integer, integer) of s.f USING btree`.
fn place(part: &Identity) -> Option<(&str, &str, &str)> {
    let (word, rest) = part.name.split_once(' ')?;
    let (number, rest) = rest.split_once(" (")?;
    Some((word, number, rest.split_once(") of ")?.0))
}

/// The family of a member, with its access method.
fn family(member: &Identity) -> Option<&str> {
    Some(member.name.split_once(") of ")?.1)
}

/// The two types of `a,b`. Either may have a comma in its modifier.
fn two(arguments: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let comma = arguments.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        *c == ',' && depth == 0
    });
    comma.map(|(at, _)| (&arguments[..at], &arguments[at + 1..]))
}

/// A function without its arguments.
fn function(signature: &str) -> String {
    chains(signature).into_iter().next().unwrap_or_else(|| signature.to_owned())
}

/// The statement that changes the dictionaries of one token type.
fn mapping(identity: &Identity, before: &Object, after: &Object, property: &str) -> Option<String> {
    let token = quote_ident(property.strip_prefix(MAPPING)?);
    let what = match (before.get(property), after.get(property)) {
        (None, Some(with)) => format!("ADD MAPPING FOR {token} WITH {with}"),
        (_, Some(with)) => format!("ALTER MAPPING FOR {token} WITH {with}"),
        (_, None) => format!("DROP MAPPING FOR {token}"),
    };
    Some(format!("ALTER {} {what};", called(identity, after)))
}

/// The options that change a dictionary. A name without a value removes that option.
fn dictionary_options(before: Option<&str>, after: Option<&str>) -> String {
    let name = |option: &str| option.split('=').next().unwrap_or_default().trim().to_owned();
    let (old, new) = (pairs(before), pairs(after));
    let kept: Vec<String> = new.iter().map(|option| name(option)).collect();
    let gone = old.iter().map(|option| name(option)).filter(|name| !kept.contains(name));
    new.iter().map(|option| (*option).to_owned()).chain(gone).collect::<Vec<_>>().join(", ")
}

fn server(name: &str, object: &Object) -> Option<String> {
    let mut text = format!("CREATE SERVER {name}");
    for (property, word) in [(property::TYPE, "TYPE"), (property::VERSION, "VERSION")] {
        if let Some(value) = object.get(property) {
            text.push_str(&format!(" {word} {}", quote_literal(value).trim()));
        }
    }
    text.push_str(&format!(
        " FOREIGN DATA WRAPPER {}",
        quote_ident(object.get(property::WRAPPER)?)
    ));
    Some(text + &with_options(object.get(property::OPTIONS)) + ";")
}

/// `USER MAPPING FOR r SERVER s` of `r on server s`.
fn user_mapping(identity: &Identity) -> Option<String> {
    let (user, server) = identity.name.split_once(" on server ")?;
    let user = if user == "public" { "PUBLIC" } else { user };
    Some(format!("USER MAPPING FOR {user} SERVER {server}"))
}

fn foreign_table(side: &Side, identity: &Identity, object: &Object) -> Option<String> {
    let mut columns = side.columns(identity);
    columns.retain(|(_, column)| column.get(property::INHERITED) != Some("yes"));
    let parents = object.get(property::INHERITS);
    let what = match object.get(property::PARTITION_BOUND) {
        Some(bound) => format!("PARTITION OF {} {bound}", parents?),
        None => {
            let declared = columns.iter().map(|(i, o)| column::declaration(side, i, o));
            let declared: Vec<_> = declared.map(|column| format!("\n  {column}")).collect();
            let inherits = parents.map(|p| format!(" INHERITS ({p})")).unwrap_or_default();
            format!("({}\n){inherits}", declared.join(","))
        }
    };
    let mut text = format!("CREATE FOREIGN TABLE {} {what}", identity.name);
    text.push_str(&format!(" SERVER {}", quote_ident(object.get(property::SERVER)?)));
    text.push_str(&with_options(object.get(property::FOREIGN_OPTIONS)));
    let settings = columns.iter().flat_map(|(i, o)| column::settings(i, o));
    Some(std::iter::once(text + ";").chain(settings).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_added_set_and_dropped() {
        let (old, new) = ("\"host\" 'a, b', port '1'", "\"host\" 'it''s', dbname 'x'");
        let expected = "DROP port, SET \"host\" 'it''s', ADD dbname 'x'";
        assert_eq!(changed_options(Some(old), Some(new)), expected);
        assert_eq!(changed_options(None, Some("a 'b'")), "ADD a 'b'");
        assert_eq!(dictionary_options(Some("a = 'x, y', b = 1"), Some("b = 2")), "b = 2, a");
    }

    #[test]
    fn operators_may_lack_a_side() {
        assert_eq!(two("NONE,numeric(3,1)"), Some(("NONE", "numeric(3,1)")));
        assert_eq!(two("numeric(3,1),a"), Some(("numeric(3,1)", "a")));
    }
}
