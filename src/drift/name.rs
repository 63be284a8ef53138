//! Constraints and indexes under other names.

use std::collections::BTreeMap;

use crate::facts::{Facts, Identity, Kind, Object};

/// From names in `a` to names in `b`, of what is the same thing but for its name.
pub fn renamed<'a>(a: &'a Facts, b: &'a Facts) -> BTreeMap<&'a Identity, &'a Identity> {
    let mut pairs = BTreeMap::new();
    let (mut left, mut right) = (Group::default(), Group::default());
    for (identity, object) in a.iter().filter(|(identity, _)| counts(identity)) {
        if b.get(identity).is_none_or(|other| key(identity, other) != key(identity, object)) {
            left.entry(key(identity, object)).or_default().push(identity);
        }
    }
    for (identity, object) in b.iter().filter(|(identity, _)| counts(identity)) {
        if a.get(identity).is_none_or(|other| key(identity, other) != key(identity, object)) {
            right.entry(key(identity, object)).or_default().push(identity);
        }
    }
    for (key, identities) in left {
        let others = right.remove(&key).unwrap_or_default();
        pairs.extend(identities.into_iter().zip(others));
    }
    pairs
}

/// Things of one kind, one table and one definition.
type Group<'a> = BTreeMap<(Kind, Option<&'a Identity>, String), Vec<&'a Identity>>;

fn counts(identity: &Identity) -> bool {
    matches!(identity.kind, Kind::Constraint | Kind::Index)
}

fn key<'a>(identity: &Identity, object: &'a Object) -> (Kind, Option<&'a Identity>, String) {
    let definition = object.properties.get("definition").map(String::as_str).unwrap_or_default();
    let definition = match identity.kind {
        Kind::Index => without_name(definition),
        _ => definition.to_owned(),
    };
    (identity.kind, object.whole.as_ref(), definition)
}

/// `CREATE INDEX … ON t …` without the name, which is quoted where it holds anything odd.
fn without_name(definition: &str) -> String {
    let Some((before, rest)) = definition.split_once(" INDEX ") else {
        return definition.to_owned();
    };
    let end = match rest.strip_prefix('"') {
        None => rest.find(' '),
        Some(quoted) => {
            let pairs = quoted.replace("\"\"", "__");
            pairs.find('"').map(|end| end + 2)
        }
    };
    format!("{before} INDEX{}", &rest[end.unwrap_or(rest.len())..])
}

#[cfg(test)]
mod tests {
    use super::without_name;

    #[test]
    fn an_index_has_a_definition_without_its_name() {
        let plain = "CREATE UNIQUE INDEX ON s.t USING btree (a)";
        for name in ["a_idx", "\"odd \"\" ON name\""] {
            let definition = format!("CREATE UNIQUE INDEX {name} ON s.t USING btree (a)");
            assert_eq!(without_name(&definition), plain);
        }
    }
}
