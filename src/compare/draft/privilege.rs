//! Privileges on objects that the comparison leaves out otherwise: members of extensions, PostgreSQL's
//! own objects and the bundle. Also privileges on the database, whose name a migration does not know.

use super::acl;
use super::acl::{Grants, Target};
use super::name::OWNER;
use crate::compare::facts::property;
use crate::compare::facts::{Facts, Identity, Kind, Object};
use crate::postgres::sql::quote::quote_literal;
use crate::postgres::sql::template::fill;

/// A statement on the database at hand.
const ON_DATABASE: &str = sql!("draft/on-database");

/// For each kind of object: the name that `pg_identify_object` returns, our kind, GRANT's keyword.
const SORTS: [(&str, Kind, &str); 17] = [
    ("table column", Kind::Column, "TABLE"),
    ("view column", Kind::Column, "TABLE"),
    ("materialized view column", Kind::Column, "TABLE"),
    ("foreign table column", Kind::Column, "TABLE"),
    ("table", Kind::Table, "TABLE"),
    ("view", Kind::View, "TABLE"),
    ("materialized view", Kind::MaterializedView, "TABLE"),
    ("foreign table", Kind::ForeignTable, "TABLE"),
    ("sequence", Kind::Sequence, "SEQUENCE"),
    (property::FUNCTION, Kind::Function, "FUNCTION"),
    ("aggregate", Kind::Aggregate, "FUNCTION"),
    ("procedure", Kind::Procedure, "PROCEDURE"),
    (property::TYPE, Kind::Type, "TYPE"),
    (property::SCHEMA, Kind::Schema, "SCHEMA"),
    ("language", Kind::Language, "LANGUAGE"),
    ("foreign-data wrapper", Kind::ForeignDataWrapper, "FOREIGN DATA WRAPPER"),
    (property::SERVER, Kind::ForeignServer, "FOREIGN SERVER"),
];

/// The statements that lead from the initial privileges of an object to its privileges on the other
/// side.
pub(super) fn begin(from: &Facts, identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let own = own(identity)?;
    let initial = acl::parse(object.get(property::INITIAL)?);
    // an extension that is made now has the privileges of the default privileges
    let extension = object.get(property::MEMBER_OF).map(str::to_owned);
    let is_made =
        extension.is_some_and(|name| from.get(&Identity { kind: Kind::Extension, name }).is_none());
    let is_natural = acl::natural(from.release(), own.kind, OWNER).as_ref() == Some(&initial);
    let has = if is_made && is_natural { acl::initial(from, &own)? } else { initial };
    statements(identity, &has, &acl::parse(object.get(property::ACL)?))
}

/// The statements that lead back to the initial privileges of an object.
pub(super) fn end(identity: &Identity, object: &Object) -> Option<Vec<String>> {
    let (has, initial) = (object.get(property::ACL)?, object.get(property::INITIAL)?);
    statements(identity, &acl::parse(has), &acl::parse(initial))
}

/// The statements that lead from the privileges on one side to those on the other.
pub(super) fn change(identity: &Identity, before: &Object, after: &Object) -> Option<Vec<String>> {
    statements(
        identity,
        &acl::parse(before.get(property::ACL)?),
        &acl::parse(after.get(property::ACL)?),
    )
}

/// The statements for privileges on the current database.
pub(super) fn database(
    facts: &Facts,
    identity: &Identity,
    before: &Object,
    after: &Object,
) -> Option<Vec<String>> {
    const NAME: &str = "\0";
    let [from, to] = acl::both(facts, identity, before, after)?;
    let target = Target { before: String::new(), on: format!("DATABASE {NAME}"), column: None };
    let wrapped = |statement: String| {
        let format = statement.trim_end_matches(';').replace('%', "%%").replace(NAME, "%I");
        let format = quote_literal(&format);
        fill(ON_DATABASE, &[("statement", format.trim())]).trim_end().to_owned()
    };
    Some(target.statements(&from, &to).into_iter().map(wrapped).collect())
}

fn statements(identity: &Identity, from: &Grants, to: &Grants) -> Option<Vec<String>> {
    // the name of the owner is not known here
    if from.get(OWNER) != to.get(OWNER) {
        return None;
    }
    let (own, word) = named(identity)?;
    let (on, column) = match own.kind {
        Kind::Column => {
            let (table, column) = split_last(&own.name)?;
            (table.to_owned(), Some(column.to_owned()))
        }
        _ => (own.name.clone(), None),
    };
    let target = Target { before: String::new(), on: format!("{word} {on}"), column };
    Some(target.statements(from, to))
}

/// The object that `on table s.t` means, and the keyword of GRANT for its kind.
fn named(identity: &Identity) -> Option<(Identity, &'static str)> {
    let text = identity.name.strip_prefix("on ")?;
    let found = SORTS.iter().filter_map(|(sort, kind, word)| {
        let name = text.strip_prefix(sort)?.strip_prefix(' ')?;
        Some((sort.len(), Identity { kind: *kind, name: name.to_owned() }, *word))
    });
    // `table column` before `table`
    found.max_by_key(|(length, ..)| *length).map(|(_, own, word)| (own, word))
}

fn own(identity: &Identity) -> Option<Identity> {
    named(identity).map(|(own, _)| own)
}

/// The table and the column of `s.t.c`.
fn split_last(name: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let dot = name.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    let at = dot.last()?.0;
    Some((&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(properties: &[(&str, &str)]) -> Object {
        let properties = properties.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Object { container: None, properties: properties.collect() }
    }

    #[test]
    fn privileges_begin_with_what_the_object_came_with() {
        let identity = |name: &str| Identity { kind: Kind::Privileges, name: name.to_owned() };
        let facts = Facts::default().of_release(15);
        let object = of(&[
            ("acl", "(owner)=X/(owner), ann=X/(owner)"),
            (property::INITIAL, "(owner)=X/(owner), =X/(owner)"),
        ]);
        let name = identity("on aggregate s.max(s.\"A b\")");
        assert_eq!(
            begin(&facts, &name, &object).expect("expressible"),
            [
                "REVOKE EXECUTE ON FUNCTION s.max(s.\"A b\") FROM PUBLIC;",
                "GRANT EXECUTE ON FUNCTION s.max(s.\"A b\") TO \"ann\";",
            ]
        );
        let back = end(&name, &object).expect("expressible");
        assert_eq!(back[0], "REVOKE EXECUTE ON FUNCTION s.max(s.\"A b\") FROM \"ann\";");
        let object = of(&[("acl", "ann=r/(owner)"), (property::INITIAL, "nobody")]);
        assert_eq!(
            begin(&facts, &identity("on table column s.\"a.b\".c"), &object).expect("expressible"),
            ["GRANT SELECT (c) ON TABLE s.\"a.b\" TO \"ann\";"]
        );
        let object = of(&[("acl", "(owner)=X/(owner)"), (property::INITIAL, "nobody")]);
        assert_eq!(begin(&facts, &name, &object), None, "the owner");
    }

    #[test]
    fn the_database_is_the_one_at_hand() {
        let identity = Identity { kind: Kind::Database, name: "current".to_owned() };
        let facts = Facts::default().of_release(15);
        let acl = "(owner)=CTc/(owner), \"100%\"=c/(owner)";
        let after = of(&[("acl", acl), ("owner", OWNER)]);
        let before = of(&[("owner", OWNER)]);
        let all = database(&facts, &identity, &before, &after).expect("expressible");
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].contains("REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC"), "{all:?}");
        assert!(all[1].contains("ON DATABASE %I TO \"100%%\"'"), "{all:?}");
    }
}
