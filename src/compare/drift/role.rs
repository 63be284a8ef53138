//! Roles that have different names but the same purpose.
//!
//! A backup belongs to the role of production, a hydrated database to a developer's role. If a role
//! is the owner of the database, both sides get the same word for it.

use crate::compare::facts::property;
use crate::compare::facts::{Facts, Identity, Kind};
use crate::postgres::sql::quote::quote_ident;

/// The owner of the database on each side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// On side A.
    pub a: String,
    /// On side B.
    pub b: String,
}

/// The word for the owner on both sides. No role can have this name.
const OWNER: &str = "(owner)";

impl Roles {
    /// Replaces the owner's name in the facts of side A.
    pub fn apply_a(&self, facts: &Facts) -> Facts {
        replace(facts, &self.a)
    }

    /// Replaces the owner's name in the facts of side B.
    pub fn apply_b(&self, facts: &Facts) -> Facts {
        replace(facts, &self.b)
    }
}

fn replace(facts: &Facts, role: &str) -> Facts {
    if role.is_empty() {
        return facts.clone();
    }
    let value = |property: &str, value: &str| match property {
        _ if is_owner(property) && unquoted(value) == role => OWNER.to_owned(),
        property::ACL | property::ROLES => listed(value, role),
        _ => value.to_owned(),
    };
    facts.map(|identity| name(identity, role), value)
}

/// Checks whether a property names an owner: of the object, or of a member of an extension.
pub fn is_owner(property: &str) -> bool {
    property == property::OWNER || property.starts_with("owner of ")
}

/// Replaces the role in names of objects that contain a role.
fn name(identity: &Identity, role: &str) -> String {
    let (before, after) = match identity.kind {
        Kind::DefaultPrivileges => ("for role ", " "),
        Kind::UserMapping => ("", " on server "),
        Kind::RoleSetting => ("", "."),
        _ => return identity.name.clone(),
    };
    let spelled = [role.to_owned(), quote_ident(role)].into_iter();
    let mut heads = spelled.map(|role| format!("{before}{role}{after}"));
    let rest = heads.find_map(|head| identity.name.strip_prefix(&head));
    rest.map_or_else(|| identity.name.clone(), |rest| format!("{before}{OWNER}{after}{rest}"))
}

/// Replaces the role in a list of roles, or of `role=privileges/grantor` items, separated by commas
/// or line ends.
fn listed(value: &str, role: &str) -> String {
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
    // the list is ordered by name, and the name has changed
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
        assert_eq!(listed(value, "dev"), expected);
        assert_eq!(listed("\"a b\"=r/\"a b\"", "a b"), "(owner)=r/(owner)");
    }

    #[test]
    fn what_is_called_after_a_role_is_called_after_the_owner() {
        let named = |kind, text: &str| name(&Identity { kind, name: text.to_owned() }, "a b");
        for (kind, before, after) in [
            (Kind::DefaultPrivileges, "for role a b on tables", "for role (owner) on tables"),
            (Kind::DefaultPrivileges, "for role \"a b\" on tables", "for role (owner) on tables"),
            (Kind::DefaultPrivileges, "for role a on tables", "for role a on tables"),
            (Kind::UserMapping, "a b on server s", "(owner) on server s"),
            (Kind::RoleSetting, "a b.work_mem", "(owner).work_mem"),
            (Kind::Table, "a b.c", "a b.c"),
        ] {
            assert_eq!(named(kind, before), after);
        }
    }
}
