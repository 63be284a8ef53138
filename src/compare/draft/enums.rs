//! Enums. A label can be added at any place, but not removed or moved. To remove or move labels,
//! the draft makes the type anew and converts its columns through text.

use crate::compare::facts::property;
use crate::compare::facts::{Identity, Object};

/// The labels, with their quotes.
pub(super) fn labels(object: &Object) -> Vec<&str> {
    let text = object.get(property::LABELS).unwrap_or_default();
    let (mut found, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text[start..].trim());
    found.retain(|label| !label.is_empty());
    found
}

/// The statements that add the new labels. `None` if other changes are necessary, too.
pub(super) fn added(identity: &Identity, before: &Object, after: &Object) -> Option<Vec<String>> {
    let (old, new) = (labels(before), labels(after));
    let kept: Vec<&str> = new.iter().filter(|label| old.contains(label)).copied().collect();
    if kept != old {
        return None;
    }
    let name = &identity.name;
    let mut all = Vec::new();
    for (at, label) in new.iter().enumerate().filter(|(_, label)| !old.contains(label)) {
        let place = match (at.checked_sub(1), old.first()) {
            (Some(previous), _) => format!(" AFTER {}", new[previous]),
            (None, Some(first)) => format!(" BEFORE {first}"),
            (None, None) => String::new(),
        };
        let what = format!("ADD VALUE {label}{place}");
        all.push(format!("ALTER TYPE {name} {what};"));
    }
    Some(all)
}

/// The new labels. A transaction cannot use a label that it has added itself.
pub(super) fn new_labels<'a>(before: &Object, after: &'a Object) -> Vec<&'a str> {
    let old = labels(before);
    labels(after).into_iter().filter(|label| !old.contains(label)).collect()
}

/// Splits a qualified name into the schema with its dot, and the rest.
pub(super) fn split(name: &str) -> (&str, &str) {
    let mut quoted = false;
    let dot = name.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    name.split_at(dot.map_or(0, |(at, _)| at + 1))
}

/// The temporary name of the old type, until its columns are converted: with and without its
/// schema.
pub(super) fn old_name(identity: &Identity) -> (String, String) {
    let (schema, name) = split(&identity.name);
    let mut short = super::name::bare(name);
    // PostgreSQL truncates names to 63 bytes
    while short.len() > 58 {
        short.pop();
    }
    let old = crate::postgres::sql::quote::quote_ident(&format!("{short} old"));
    (format!("{schema}{old}"), old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::facts::Kind;

    fn of(labels: &str) -> Object {
        let labels = ("labels".to_owned(), labels.to_owned());
        Object { container: None, properties: [labels].into_iter().collect() }
    }

    fn mood() -> Identity {
        Identity { kind: Kind::Enum, name: "s.\"Mood\"".to_owned() }
    }

    #[test]
    fn labels_are_added_where_they_stand() {
        let all = added(&mood(), &of("'b', 'it''s, so'"), &of("'a', 'b', 'c', 'it''s, so', 'd'"));
        let expected = [
            "ALTER TYPE s.\"Mood\" ADD VALUE 'a' BEFORE 'b';",
            "ALTER TYPE s.\"Mood\" ADD VALUE 'c' AFTER 'b';",
            "ALTER TYPE s.\"Mood\" ADD VALUE 'd' AFTER 'it''s, so';",
        ];
        assert_eq!(all.expect("expressible"), expected);
    }

    #[test]
    fn labels_do_not_move() {
        assert_eq!(added(&mood(), &of("'a', 'b'"), &of("'b', 'a'")), None);
        assert_eq!(added(&mood(), &of("'a', 'b'"), &of("'b'")), None);
    }

    #[test]
    fn the_old_type_steps_aside() {
        assert_eq!(old_name(&mood()), ("s.\"Mood old\"".to_owned(), "\"Mood old\"".to_owned()));
    }
}
