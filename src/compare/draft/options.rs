//! Options of sequences and storage parameters, as statements write them.

use super::name::{items, options};
use crate::compare::facts::Object;

/// ` AS integer START 1 …`.
pub(super) fn sequence_options(object: &Object) -> String {
    let names = [
        ("type", "AS"),
        ("start", "START"),
        ("increment", "INCREMENT"),
        ("minimum", "MINVALUE"),
        ("maximum", "MAXVALUE"),
    ];
    let mut text = String::new();
    for (property, word) in names {
        if let Some(value) = object.get(property) {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    let cycle = if object.get("cycle").is_some() { "CYCLE" } else { "NO CYCLE" };
    text + &format!(" CACHE {} {cycle}", object.get("cache").unwrap_or("1"))
}

/// `RESET (…)` and `SET (…)` from one list of options to another.
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
