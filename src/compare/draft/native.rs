//! Objects that stand on functions of the server: base types, wrappers, languages, access methods,
//! conversions, transforms, text search parsers and templates.

use super::mention::chains;
use super::name::{bare, called};
use super::options::with_options;
use super::side::Side;
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Kind, Object};
use crate::postgres::sql::quote::quote_literal;

/// The places of functions in the property `functions`, by their words in a statement.
const PARSER: [&str; 5] = ["START", "GETTOKEN", "END", "HEADLINE", "LEXTYPES"];
const TEMPLATE: [&str; 2] = ["INIT", "LEXIZE"];
const TYPE: [&str; 8] =
    ["INPUT", "OUTPUT", "RECEIVE", "SEND", "TYPMOD_IN", "TYPMOD_OUT", "ANALYZE", "SUBSCRIPT"];

/// The statement that makes the object. `None` if there is none.
pub(super) fn create(identity: &Identity, object: &Object) -> Option<String> {
    let called = called(identity, object);
    Some(match identity.kind {
        Kind::ForeignDataWrapper => {
            let functions = wrapper_functions(object, false).join(" ");
            let options = with_options(object.get(property::OPTIONS));
            format!("CREATE {called} {functions}{options};").replace(" ;", ";").replace("  ", " ")
        }
        Kind::AccessMethod => {
            let (form, handler) = (object.get(property::FORM)?, object.get(property::HANDLER)?);
            let of = format!("TYPE {} HANDLER {handler}", form.to_uppercase());
            format!("CREATE {called} {of};")
        }
        Kind::Language => language("CREATE", identity, object),
        Kind::Conversion => {
            let default = if object.get(property::DEFAULT).is_some() { " DEFAULT" } else { "" };
            let encoding = |property| Some(quote_literal(object.get(property)?).trim().to_owned());
            let (from, to) = (encoding(property::FROM)?, encoding(property::TO)?);
            let function = function(object.get(property::FUNCTION)?);
            format!("CREATE{default} {called} FOR {from} TO {to} FROM {function};")
        }
        Kind::Transform => transform("CREATE", identity, object),
        Kind::TextSearchParser | Kind::TextSearchTemplate => {
            let words = match identity.kind {
                Kind::TextSearchParser => &PARSER[..],
                _ => &TEMPLATE,
            };
            format!("CREATE {called} ({});", functions(words, object).join(", "))
        }
        _ => return None,
    })
}

/// The statements for one property. `None` if there are none.
pub(super) fn change(
    identity: &Identity,
    before: &Object,
    after: &Object,
    property: &str,
) -> Option<Vec<String>> {
    let text = match (identity.kind, property) {
        (Kind::ForeignDataWrapper, property::HANDLER | property::VALIDATOR) => {
            let functions = wrapper_functions(after, true).join(" ");
            format!("ALTER {} {functions};", called(identity, after))
        }
        (Kind::Language, _) if before.get(property::TRUSTED) == after.get(property::TRUSTED) => {
            language("CREATE OR REPLACE", identity, after)
        }
        (Kind::Transform, _) => transform("CREATE OR REPLACE", identity, after),
        _ => return None,
    };
    Some(vec![text])
}

/// The statement that declares a type before the functions that it needs, which need the type.
pub(super) fn begin(side: &Side, identity: &Identity) -> Option<String> {
    let of = || side.depends.on(identity);
    let is_circle = of().any(|function| is_io(side, identity, function));
    (identity.kind == Kind::Type && is_circle).then(|| format!("CREATE TYPE {};", identity.name))
}

/// Checks whether a type and a function need each other.
pub(super) fn is_io(side: &Side, of: &Identity, function: &Identity) -> bool {
    function.kind == Kind::Function
        && of.kind == Kind::Type
        && side.depends.on(of).any(|other| other == function)
        && side.depends.on(function).any(|other| other == of)
        && side.facts.get(function).is_some_and(|object| object.container.is_none())
}

/// Declares a base type.
pub(super) fn base_type(name: &str, object: &Object) -> Option<String> {
    let mut parts = functions(&TYPE, object);
    let layout = object.get(property::LAYOUT)?;
    let after = |word: &str| {
        let rest = layout.split_once(word)?.1;
        rest.split(',').next().map(str::to_owned)
    };
    let length = after("length ")?;
    let length = if length == "-1" { "VARIABLE".to_owned() } else { length };
    parts.push(format!("INTERNALLENGTH = {length}"));
    parts.extend(layout.contains("by value").then(|| "PASSEDBYVALUE".to_owned()));
    let align = match after("align ")?.as_str() {
        "c" => "char",
        "s" => "int2",
        "d" => "double",
        _ => "int4",
    };
    let storage = match after("storage ")?.as_str() {
        "p" => "plain",
        "e" => "external",
        "m" => "main",
        _ => "extended",
    };
    parts.push(format!("ALIGNMENT = {align}, STORAGE = {storage}"));
    let category = object.get(property::CATEGORY)?;
    parts.push(format!("CATEGORY = {}", quote_literal(category.get(..1)?).trim()));
    parts.extend(category.ends_with(" preferred").then(|| "PREFERRED = true".to_owned()));
    for (property, word) in [(property::DEFAULT, "DEFAULT"), (property::DELIMITER, "DELIMITER")] {
        let value = object.get(property).map(quote_literal);
        parts.extend(value.map(|value| format!("{word} = {}", value.trim())));
    }
    parts.extend(object.get(property::ELEMENT).map(|element| format!("ELEMENT = {element}")));
    parts.extend(object.get(property::COLLATION).map(|_| "COLLATABLE = true".to_owned()));
    Some(format!("CREATE TYPE {name} ({});", parts.join(", ")))
}

/// `START = f, END = g`, from a list in which `-` stands for no function.
fn functions(words: &[&str], object: &Object) -> Vec<String> {
    let list = object.get(property::FUNCTIONS).unwrap_or_default();
    let pairs = words.iter().zip(list.split(", ")).filter(|(_, function)| *function != "-");
    pairs.map(|(word, function)| format!("{word} = {function}")).collect()
}

/// `HANDLER f VALIDATOR g`, with `NO` for those that are absent if `all` are to be set.
fn wrapper_functions(object: &Object, all: bool) -> Vec<String> {
    let each = [(property::HANDLER, "HANDLER"), (property::VALIDATOR, "VALIDATOR")].into_iter();
    let words = each.filter_map(|(property, word)| match object.get(property) {
        Some(signature) => Some(format!("{word} {}", function(signature))),
        None => all.then(|| format!("NO {word}")),
    });
    words.collect()
}

fn language(verb: &str, identity: &Identity, object: &Object) -> String {
    let trusted = if object.get(property::TRUSTED).is_some() { "TRUSTED " } else { "" };
    let mut text = format!("{verb} {trusted}LANGUAGE {}", identity.name);
    for (property, word) in [
        (property::HANDLER, "HANDLER"),
        (property::INLINE, "INLINE"),
        (property::VALIDATOR, "VALIDATOR"),
    ] {
        if let Some(signature) = object.get(property) {
            text.push_str(&format!(" {word} {}", function(signature)));
        }
    }
    text + ";"
}

fn transform(verb: &str, identity: &Identity, object: &Object) -> String {
    let each = [(property::FROM_SQL, "FROM SQL"), (property::TO_SQL, "TO SQL")].into_iter();
    let words = each.filter_map(|(property, word)| {
        Some(format!("{word} WITH FUNCTION {}", object.get(property)?))
    });
    let words = words.collect::<Vec<_>>().join(", ");
    format!("{verb} {} ({words});", called(identity, object))
}

/// A function without its arguments.
fn function(signature: &str) -> String {
    chains(signature).into_iter().next().unwrap_or_else(|| bare(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_type_is_declared() {
        let of = |pairs: &[(&str, &str)]| Object {
            container: None,
            properties: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        };
        let object = of(&[
            ("functions", "s.i, s.o, -, -, -, -, -, -"),
            ("layout", "length -1, by reference, align i, storage x"),
            ("category", "S preferred"),
            ("default", "it's"),
        ]);
        let expected = "CREATE TYPE s.t (INPUT = s.i, OUTPUT = s.o, INTERNALLENGTH = VARIABLE, \
                        ALIGNMENT = int4, STORAGE = extended, CATEGORY = 'S', PREFERRED = true, \
                        DEFAULT = 'it''s');";
        assert_eq!(base_type("s.t", &object).expect("known"), expected);
    }
}
