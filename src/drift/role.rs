//! Two roles that are one.
//!
//! A backup belongs to production's role, a hydrated database to a developer's. Where a role only
//! stands for "the owner of the database", both sides get the same word for it.

use crate::facts::Facts;

/// The owner's name on each side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// On side A.
    pub a: String,
    /// On side B.
    pub b: String,
}

/// What both are called then. No role can have this name.
const OWNER: &str = "(owner)";

impl Roles {
    /// Side A with the owner's name replaced.
    pub fn apply_a(&self, facts: &Facts) -> Facts {
        replace(facts, &self.a)
    }

    /// Side B with the owner's name replaced.
    pub fn apply_b(&self, facts: &Facts) -> Facts {
        replace(facts, &self.b)
    }
}

fn replace(facts: &Facts, role: &str) -> Facts {
    facts.map(|property, value| match property {
        _ if role.is_empty() => value.to_owned(),
        "owner" if unquoted(value) == role => OWNER.to_owned(),
        "acl" => acl(value, role),
        _ => value.to_owned(),
    })
}

/// `role=privileges/grantor` items, separated by commas or line ends.
fn acl(value: &str, role: &str) -> String {
    let mut replaced = String::with_capacity(value.len());
    let mut word = String::new();
    let mut quoted = false;
    let flush = |word: &mut String, replaced: &mut String| {
        replaced.push_str(if unquoted(word) == role { OWNER } else { word });
        word.clear();
    };
    for c in value.chars() {
        if c == '"' {
            quoted = !quoted;
            word.push(c);
        } else if !quoted && matches!(c, '=' | '/' | ',' | '{' | '}' | '\n' | ' ') {
            flush(&mut word, &mut replaced);
            replaced.push(c);
        } else {
            word.push(c);
        }
    }
    flush(&mut word, &mut replaced);
    // they are listed by name, which has changed
    let mut items: Vec<&str> = replaced.split(", ").collect();
    items.sort_unstable();
    items.join(", ")
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_replaced_where_it_stands_for_itself() {
        let value = "dev=arwd/dev, app=r/dev, =r/dev, devs=r/devs";
        let expected = "(owner)=arwd/(owner), =r/(owner), app=r/(owner), devs=r/devs";
        assert_eq!(acl(value, "dev"), expected);
        assert_eq!(acl("\"a b\"=r/\"a b\"", "a b"), "(owner)=r/(owner)");
    }
}
