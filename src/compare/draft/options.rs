//! Options of sequences and storage parameters, as statements write them.

use super::name::{items, options, own};
use crate::compare::facts::property;
use crate::compare::facts::{Identity, Object};

/// Builds ` AS integer START 1 …`.
pub(super) fn sequence_options(object: &Object) -> String {
    let names = [
        (property::TYPE, "AS"),
        (property::START, "START"),
        (property::INCREMENT, "INCREMENT"),
        (property::MINIMUM, "MINVALUE"),
        (property::MAXIMUM, "MAXVALUE"),
    ];
    let mut text = String::new();
    for (property, word) in names {
        if let Some(value) = object.get(property) {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    let cycle = if object.get(property::CYCLE).is_some() { "CYCLE" } else { "NO CYCLE" };
    text + &format!(" CACHE {} {cycle}", object.get(property::CACHE).unwrap_or("1"))
}

/// Builds `RESET (…)` and `SET (…)` from one list of options to another.
pub(super) fn option_change(
    before: Option<&str>,
    after: Option<&str>,
) -> (Option<String>, Option<String>) {
    let (old, new) = (items(before.unwrap_or_default()), items(after.unwrap_or_default()));
    let key = |item: &str| item.split('=').next().unwrap_or_default().to_owned();
    let keys: Vec<String> = new.iter().map(|item| key(item)).collect();
    let gone: Vec<String> =
        old.iter().map(|item| key(item)).filter(|name| !keys.contains(name)).collect();
    let set: Vec<&str> = new.iter().filter(|item| !old.contains(item)).copied().collect();
    (
        (!gone.is_empty()).then(|| format!("RESET ({})", gone.join(", "))),
        (!set.is_empty()).then(|| format!("SET ({})", options(&set.join(", ")))),
    )
}

pub(super) fn enabled(value: Option<&str>) -> &'static str {
    match value {
        Some("no") => "DISABLE",
        Some("replica") => "ENABLE REPLICA",
        Some("always") => "ENABLE ALWAYS",
        _ => "ENABLE",
    }
}

/// ` OPTIONS ("a" 'x')`, if there are any.
pub(super) fn with_options(options: Option<&str>) -> String {
    options.map_or_else(String::new, |options| format!(" OPTIONS ({options})"))
}

/// The action that changes the foreign-data wrapper's options of a column of a foreign table.
pub(super) fn column_options(identity: &Identity, before: &Object, after: &Object) -> String {
    let what = changed_options(
        before.get(property::FOREIGN_OPTIONS),
        after.get(property::FOREIGN_OPTIONS),
    );
    format!("ALTER COLUMN {} OPTIONS ({what})", own(identity, after))
}

/// `ADD "a" 'x', SET …, DROP …` from one list of `"a" 'x'` to another.
pub(super) fn changed_options(before: Option<&str>, after: Option<&str>) -> String {
    let name = |option: &str| option.split_once(" '").map_or(option, |(name, _)| name).to_owned();
    let (old, new) = (pairs(before), pairs(after));
    let (had, has): (Vec<_>, Vec<_>) =
        (old.iter().map(|o| name(o)).collect(), new.iter().map(|o| name(o)).collect());
    let gone = had.iter().filter(|name| !has.contains(name)).map(|name| format!("DROP {name}"));
    let set = new.iter().filter(|option| !old.contains(option)).map(|option| {
        let verb = if had.contains(&name(option)) { "SET" } else { "ADD" };
        format!("{verb} {option}")
    });
    gone.chain(set).collect::<Vec<_>>().join(", ")
}

/// The parts of a list between commas that are in no quotes of either sort.
pub(super) fn pairs(list: Option<&str>) -> Vec<&str> {
    let list = list.unwrap_or_default();
    let (mut found, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in list.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',', None) => {
                found.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(list[start..].trim());
    found.retain(|item| !item.is_empty());
    found
}
