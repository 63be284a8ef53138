//! Tests of `drift`.

use std::collections::BTreeMap;

use super::*;

fn identity(kind: Kind, name: &str) -> Identity {
    Identity { kind, name: name.to_owned() }
}

fn object(container: Option<&Identity>, properties: &[(&str, &str)]) -> Object {
    let properties =
        properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Object { container: container.cloned(), properties: properties.collect::<BTreeMap<_, _>>() }
}

fn table() -> Identity {
    identity(Kind::Table, "s.t")
}

/// Makes a table with these indexes: name and column.
fn indexed(indexes: &[(&str, &str)]) -> Facts {
    let table = table();
    let mut objects = vec![(table.clone(), object(None, &[]))];
    for (name, column) in indexes {
        let definition = format!("CREATE INDEX {name} ON s.t USING btree ({column})");
        let index = identity(Kind::Index, &format!("s.{name}"));
        objects.push((index, object(Some(&table), &[("definition", &definition)])));
    }
    Facts::of_objects(objects)
}

fn summary(a: &Facts, b: &Facts) -> Vec<String> {
    let found = compare(a, b, &Roles::default());
    found.iter().map(|d| format!("{} {} {:?}", d.class.as_str(), d.identity, d.what)).collect()
}

#[test]
fn an_index_is_its_definition_first() {
    let plain = indexed(&[("one", "a"), ("two", "b")]);
    assert!(summary(&plain, &plain).is_empty());
    let renamed = summary(&plain, &indexed(&[("one", "a"), ("three", "b")]));
    assert_eq!(renamed.len(), 1, "{renamed:?}");
    assert!(renamed[0].starts_with("name-only index s.two"), "{renamed:?}");
    let crossed = summary(&plain, &indexed(&[("one", "b"), ("two", "a")]));
    assert_eq!(crossed.len(), 2, "{crossed:?}");
    assert!(crossed.iter().all(|line| line.starts_with("name-only")), "{crossed:?}");
    let changed = summary(&plain, &indexed(&[("one", "a"), ("two", "c")]));
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].starts_with("semantic index s.two"), "{changed:?}");
    assert_eq!(summary(&plain, &indexed(&[("one", "a")])), ["semantic index s.two Removed"]);
}

#[test]
fn a_renamed_constraint_takes_its_index_along() {
    let keyed = |name: &str, index: &[(&str, &str)]| {
        let constraint = identity(Kind::Constraint, &format!("{name} on s.t"));
        let definition = format!("CREATE UNIQUE INDEX {name} ON s.t USING btree (a)");
        let properties = [&[("definition", &*definition)], index].concat();
        let of_table = object(Some(&table()), &[("definition", "PRIMARY KEY (a)")]);
        let of_constraint = object(Some(&constraint), &properties);
        let index = identity(Kind::Index, &format!("s.{name}"));
        Facts::of_objects([
            (table(), object(None, &[])),
            (constraint, of_table),
            (index, of_constraint),
        ])
    };
    let renamed = summary(&keyed("t_pkey", &[]), &keyed("t_key", &[]));
    assert_eq!(renamed.len(), 1, "{renamed:?}");
    assert!(renamed[0].starts_with("name-only constraint t_pkey on s.t"), "{renamed:?}");
    let changed = summary(&keyed("t_pkey", &[]), &keyed("t_key", &[("clustered", "yes")]));
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed[1].starts_with("semantic index s.t_pkey"), "{changed:?}");
}

#[test]
fn columns_are_in_order_as_far_as_both_sides_have_them() {
    let with = |columns: &str| {
        let columns = columns.split(' ').zip(1..).map(|(name, place): (&str, i32)| {
            let place = place.to_string();
            let object = object(Some(&table()), &[("position", &place)]);
            (identity(Kind::Column, &format!("s.t.{name}")), object)
        });
        Facts::of_objects(columns.chain([(table(), object(None, &[]))]))
    };
    assert_eq!(summary(&with("a b c"), &with("x a b c")), ["semantic column s.t.x Added"]);
    let moved = summary(&with("a b c"), &with("c a b"));
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(moved[0].starts_with("order table s.t Changed"), "{moved:?}");
    assert!(moved[0].contains("\"a, b, c\"") && moved[0].contains("\"c, a, b\""), "{moved:?}");
}

#[test]
fn parts_of_what_is_missing_are_not_listed() {
    assert_eq!(
        summary(&indexed(&[("one", "a")]), &Facts::default()),
        ["semantic table s.t Removed"]
    );
}

#[test]
fn owners_compare_as_one() {
    let with = |role: &str| {
        let acl = format!("app=r/{role}, {role}=arwd/{role}");
        Facts::of_objects([(table(), object(None, &[("owner", role), ("acl", &acl)]))])
    };
    let roles = Roles { a: "prod".to_owned(), b: "dev".to_owned() };
    let found = compare(&with("prod"), &with("dev"), &roles);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(compare(&with("prod"), &with("dev"), &Roles::default()).len(), 2);
}

#[test]
fn every_difference_has_its_class() {
    let changed = |kind, property: &str, before: &str, after: &str| {
        let facts =
            |value| Facts::of_objects([(identity(kind, "x"), object(None, &[(property, value)]))]);
        compare(&facts(before), &facts(after), &Roles::default())[0].class
    };
    for (kind, property, before, after, expected) in [
        (Kind::Column, "type", "integer", "bigint", Class::Semantic),
        (Kind::Enum, "labels", "a, b", "b, a", Class::Semantic),
        (Kind::Table, "order of columns", "1", "2", Class::Order),
        (Kind::Policy, "comment", "a", "b", Class::Cosmetic),
        (Kind::Database, "acl", "a", "b", Class::Security),
        (Kind::Database, "collate", "a", "b", Class::Environment),
        (Kind::Bundle, "version", "1", "2", Class::Extension),
        (Kind::Bundle, "kind", "history", "full", Class::Bundle),
        (Kind::Table, "acl", "a", "b", Class::Security),
        (Kind::Policy, "using", "a", "b", Class::Security),
        (Kind::Table, "owner", "a", "b", Class::Owner),
        (Kind::Extension, "version", "1", "2", Class::Extension),
        (Kind::DatabaseSetting, "value", "1", "2", Class::Environment),
        (Kind::MaterializedView, "populated", "no", "", Class::Environment),
        (Kind::View, "definition", "SELECT 1", "SELECT  1", Class::Cosmetic),
        (Kind::View, "definition", "SELECT 1", "SELECT 2", Class::Semantic),
        (Kind::Table, "comment", "a", "b", Class::Cosmetic),
        (Kind::Column, "inherited", "and declared", "yes", Class::Cosmetic),
    ] {
        assert_eq!(changed(kind, property, before, after), expected, "{property}");
    }
}

#[test]
fn not_null_has_a_name_where_both_servers_keep_one() {
    let column = identity(Kind::Column, "s.t.a");
    let named = |name: Option<&str>| {
        let properties = name.map(|name| ("not null constraint", name));
        Facts::of_objects([
            (table(), object(None, &[])),
            (column.clone(), object(Some(&table()), properties.as_slice())),
        ])
    };
    for (a, b, count) in [
        (Some("x"), Some("y"), 1),
        (Some("x"), Some("t_a_not_null"), 1),
        (Some("t_a_not_null"), Some("t_a_not_null12"), 0),
        (Some("\"T_a_not_null1\""), Some("\"T_a_not_null\""), 0),
        (Some("old_a_not_null"), Some("t_a_not_null"), 1),
        (Some("x1"), Some("x2"), 1),
        (Some("x"), None, 0),
        (None, Some("x"), 0),
    ] {
        let found = summary(&named(a), &named(b));
        assert_eq!(found.len(), count, "{found:?}");
        assert!(found.iter().all(|line| line.starts_with("name-only")), "{found:?}");
    }
}

#[test]
fn all_privileges_are_all_privileges_in_every_release() {
    let granted = |release, acl: &str| {
        Facts::of_objects([(table(), object(None, &[("acl", acl)]))]).of_release(release)
    };
    let old = granted(16, "(owner)=arwdDxt/(owner), r=r/(owner)");
    let new = granted(17, "(owner)=arwdDxtm/(owner), r=r/(owner)");
    assert!(summary(&old, &new).is_empty());
    assert!(summary(&new, &old).is_empty());
    let less = granted(18, "(owner)=arwdDxt/(owner), r=r/(owner)");
    for other in [&old, &new] {
        assert_eq!(summary(other, &less).len(), 1, "{:?}", summary(other, &less));
    }
}

#[test]
fn functions_of_an_extension_are_those_of_its_version() {
    let with = |version: &str, functions: &str| {
        let properties = [("version", version), ("functions", functions), ("owner of type x", "r")];
        Facts::of_objects([(identity(Kind::Extension, "e"), object(None, &properties))])
    };
    assert_eq!(summary(&with("1", "a"), &with("1", "b")).len(), 1);
    let found = summary(&with("1", "a"), &with("2", "b"));
    assert!(found.len() == 1 && found[0].starts_with("extension "), "{found:?}");
    let roles = Roles { a: "r".to_owned(), b: String::new() };
    let owner = compare(&with("1", "a"), &with("1", "a"), &roles);
    assert!(owner.len() == 1 && owner[0].class == Class::Owner, "{owner:?}");
}
