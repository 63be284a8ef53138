//! Comparing, without a server.

use super::{Change, Facts, Identity, Kind, Object, What, changes};

/// `kind name [< whole kind, whole name]: property=value, …`, one object a line.
fn facts(text: &str) -> Facts {
    let identity = |text: &str| {
        let (kind, name) = text.trim().split_once(' ').expect("kind and name");
        Identity { kind: Kind::named(kind).expect("a kind"), name: name.to_owned() }
    };
    let object = |line: &str| {
        let (head, tail) = line.split_once(": ").unwrap_or((line, ""));
        let (own, whole) = head.split_once(" < ").map_or((head, None), |(a, b)| (a, Some(b)));
        let properties = tail.split(", ").filter_map(|pair| pair.split_once('='));
        let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (identity(own), Object { whole: whole.map(identity), properties: properties.collect() })
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Facts::of_objects(lines.map(object))
}

/// The changes as lines.
fn lines(before: &str, after: &str) -> Vec<String> {
    changes(&facts(before), &facts(after)).iter().map(Change::to_string).collect()
}

const ORDERS: &str = "
    table shop.orders: owner=ann
    column shop.orders.total < table shop.orders: type=integer
    constraint orders_pkey on shop.orders < table shop.orders
    index shop.orders_pkey < constraint orders_pkey on shop.orders: clustered=yes";

#[test]
fn the_same_is_no_change() {
    assert_eq!(lines(ORDERS, ORDERS), [""; 0]);
}

#[test]
fn a_table_stands_for_its_parts() {
    assert_eq!(lines("", ORDERS), ["+ table shop.orders"]);
    assert_eq!(lines(ORDERS, ""), ["- table shop.orders"]);
}

#[test]
fn a_part_of_what_stays_is_listed() {
    let rest = ORDERS.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(ORDERS, &rest), ["- constraint orders_pkey on shop.orders"]);
    assert_eq!(lines(&rest, ORDERS), ["+ constraint orders_pkey on shop.orders"]);
}

#[test]
fn properties_change_come_and_go() {
    let before = "column a.b: type=integer, comment=old";
    let after = "column a.b: default=0, type=bigint";
    let wanted = [
        "~ column a.b: comment old → none",
        "~ column a.b: default none → 0",
        "~ column a.b: type integer → bigint",
    ];
    assert_eq!(lines(before, after), wanted);
    assert_eq!(
        changes(&facts(before), &facts(after))[1].what,
        What::Changed { property: "default".into(), before: None, after: Some("0".into()) }
    );
}

#[test]
fn changes_are_in_the_order_of_kinds_and_names() {
    let after = "trigger t on a.b\ntable z.z\ntable a.b\nschema a";
    assert_eq!(
        lines("", after),
        ["+ schema a", "+ table a.b", "+ table z.z", "+ trigger t on a.b"]
    );
}

#[test]
fn a_long_value_is_cut_where_it_differs_and_stays_on_one_line() {
    let body = |word: &str| {
        format!("function a.f(): definition={}\n{word}{}", "x".repeat(80), "y".repeat(80))
    };
    let change = |word: &str| {
        let mut facts = facts("function a.f()");
        let object = facts.objects.values_mut().next().expect("one");
        object.properties.insert("definition".into(), body(word));
        facts
    };
    let found = changes(&change("one"), &change("two"));
    let line = found[0].to_string();
    assert_eq!(found.len(), 1);
    assert!(line.contains("xxx\\none") && line.contains("xxx\\ntwo"), "{line}");
    assert!(line.chars().count() < 180 && !line.contains('\n'), "{line}");
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    assert_eq!(Kind::named("view").map(Kind::label), Some("view"));
    assert_eq!(Kind::named("composite type"), Some(Kind::Type));
    assert_eq!(Kind::named("property graph"), None);
    assert_eq!(Kind::Unmodelled.label(), "unmodelled");
}
