//! Tests without a server.

use super::{Identity, Kind, What};

fn line(property: &str, before: Option<&str>, after: Option<&str>) -> String {
    let identity = Identity { kind: Kind::Column, name: "a.b".to_owned() };
    let [before, after] = [before, after].map(|value| value.map(str::to_owned));
    What::Changed { property: property.to_owned(), before, after }.line(&identity)
}

#[test]
fn a_difference_is_a_line() {
    let table = Identity { kind: Kind::Table, name: "shop.orders".to_owned() };
    assert_eq!(What::Added.line(&table), "+ table shop.orders");
    assert_eq!(What::Removed.line(&table), "- table shop.orders");
    let typed = line("type", Some("integer"), Some("bigint"));
    assert_eq!(typed, "~ column a.b: type integer → bigint");
    assert_eq!(line("default", None, Some("0")), "~ column a.b: default none → 0");
}

#[test]
fn a_long_value_is_cut_where_it_differs_and_stays_on_one_line() {
    let body = |word: &str| format!("{}\n{word}{}", "x".repeat(80), "y".repeat(80));
    let line = line("definition", Some(&body("one")), Some(&body("two")));
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
