//! For every property that the queries read, some change makes it differ, and diff reports that
//! property.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{self, Change};
use super::support::{LiveProject, schema};
use crate::support::{entries, repository};

const RICH: &str = include_str!("../../fixture/facts/rich.sql");

#[test]
fn every_change_is_a_difference_of_its_class_and_undone_it_is_none() {
    let live = LiveProject::new(RICH);
    live.silent();
    let release =
        live.ask("SELECT current_setting('server_version_num')::int / 10000").parse().unwrap();
    let has_icu = live.has_icu();
    let mut groups: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
    for change in change::all().into_iter().filter(|change| has_icu || !change.needs_icu) {
        groups.entry(change.group).or_default().push(change);
    }
    for (number, group) in groups {
        live.change(&group.iter().map(|change| change.forth).collect::<String>());
        let report = live.report([]);
        let mut found = schema(&report);
        let tables = report["rows"].as_array().unwrap().iter();
        found.extend(tables.map(|table| format!("rows {}", table["table"].as_str().unwrap())));
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let expected = group.iter().flat_map(|change| change.differs_in(release)).collect();
        let surplus: Vec<_> = found.difference(&expected).collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(
            surplus.is_empty() && missing.is_empty(),
            "group {number}: surplus {surplus:#?}, missing {missing:#?}"
        );
        live.change(&group.iter().rev().map(|change| change.back).collect::<String>());
    }
    live.silent();
}

/// A kind of object and one of its properties.
type Pair = (&'static str, &'static str);

/// The kinds of objects that a catalog has, by the server's names. Each kind has the properties
/// that the queries of facts read from its catalog, unless [`NEVER`] says otherwise.
const KINDS: &[(&str, &[&str])] = &[
    ("pg_am", &["access method"]),
    ("pg_amop", &["operator of access method"]),
    ("pg_amproc", &["function of access method"]),
    ("pg_attribute", &["column"]),
    ("pg_cast", &["cast"]),
    ("pg_class", &RELATIONS),
    ("pg_collation", &["collation"]),
    ("pg_constraint", &["constraint"]),
    ("pg_conversion", &["conversion"]),
    ("pg_database", &["database"]),
    ("pg_default_acl", &["default privileges"]),
    ("pg_event_trigger", &["event trigger"]),
    ("pg_extension", &["extension"]),
    ("pg_foreign_data_wrapper", &["foreign-data wrapper"]),
    ("pg_foreign_server", &["server"]),
    ("pg_index", &["index"]),
    ("pg_language", &["language"]),
    ("pg_namespace", &["schema"]),
    ("pg_opclass", &["operator class"]),
    ("pg_operator", &["operator"]),
    ("pg_opfamily", &["operator family"]),
    ("pg_policy", &["policy"]),
    ("pg_proc", &["function", "procedure", "aggregate"]),
    ("pg_publication", &["publication"]),
    ("pg_publication_namespace", &["publication"]),
    ("pg_publication_rel", &["publication"]),
    ("pg_rewrite", &["rule"]),
    ("pg_sequence", &["sequence"]),
    ("pg_statistic_ext", &["statistics object"]),
    ("pg_subscription", &["subscription"]),
    ("pg_transform", &["transform"]),
    ("pg_trigger", &["trigger"]),
    ("pg_ts_config", &["text search configuration"]),
    ("pg_ts_dict", &["text search dictionary"]),
    ("pg_ts_parser", &["text search parser"]),
    ("pg_ts_template", &["text search template"]),
    ("pg_type", &["type", "domain", "enum"]),
    ("pg_user_mappings", &["user mapping"]),
];
const RELATIONS: [&str; 4] = ["table", "foreign table", "view", "materialized view"];

/// Properties without a column in a query: diff reads them from rows, or makes them from several
/// facts.
const BESIDES: &[(&str, &[&str])] = &[
    ("database setting", &["value"]),
    ("role setting", &["value"]),
    ("large objects", &["number"]),
    ("bundle", &["kind", "version"]),
    ("cron job", &["schedule", "command", "database", "username", "active"]),
    (
        "subscription",
        &[
            "subenabled",
            "subbinary",
            "substream",
            "subdisableonerr",
            "subconninfo",
            "subslotname",
            "subsynccommit",
            "subpublications",
        ],
    ),
    ("table", &["order of columns", "security label of"]),
    ("function", &["depends on extension"]),
    ("column", &["acl"]),
    ("constraint", &["name"]),
    ("index", &["name"]),
];

/// Properties that cannot differ, or not with every release that the tests run on, each with the
/// reason.
const NEVER: &[(&[&str], &[&str], &str)] = &[
    (&["column"], &["position"], "it is the order that is told"),
    (&["database"], &["owner"], "the owners of the databases are one"),
    (&["bundle"], &["kind"], "the tables need their parents; bundle_choice has a test of it"),
    (
        &["view"],
        &[
            "persistence",
            "access method",
            "tablespace",
            "toast options",
            "replica identity",
            "populated",
        ],
        "nothing is stored",
    ),
    (
        &["foreign table"],
        &[
            "persistence",
            "access method",
            "tablespace",
            "options",
            "toast options",
            "replica identity",
            "populated",
        ],
        "it is stored elsewhere",
    ),
    (
        &["foreign table", "view", "materialized view"],
        &["partition key", "of type", "row security", "forced row security"],
        "tables have it",
    ),
    (&["view", "materialized view"], &["partition bound", "inherits"], "tables have it"),
    (
        &["table", "view", "materialized view"],
        &["server", "foreign options"],
        "foreign tables have it",
    ),
    (&["table", "foreign table"], &["definition"], "views have it"),
    (&["table"], &["populated"], "materialised views have it"),
    (&["materialized view"], &["persistence"], "it is always logged"),
    (&["aggregate"], &["definition"], "the server has none for it"),
    (
        &["function", "procedure"],
        &[
            "arguments",
            "result",
            "parallel",
            "form",
            "direct arguments",
            "transition function",
            "transition type",
            "transition space",
            "initial condition",
            "final function",
            "final function options",
            "combine function",
            "serial function",
            "deserial function",
            "moving transition function",
            "moving inverse function",
            "moving transition type",
            "moving transition space",
            "moving initial condition",
            "moving final function",
            "moving final function options",
            "sort operator",
        ],
        "aggregates have it, the definition tells the rest",
    ),
    (
        &["type"],
        &["labels", "type", "not null", "not null constraint"],
        "enums and domains have it",
    ),
    (&["domain"], &["form", "labels"], "types and enums have it"),
    (
        &["enum"],
        &["form", "type", "not null", "not null constraint", "default", "collation"],
        "types and domains have it",
    ),
    (
        &["domain", "enum"],
        &[
            "subtype",
            "subtype collation",
            "subtype operator class",
            "canonical",
            "difference",
            "multirange",
            "layout",
            "category",
            "delimiter",
            "element",
            "functions",
        ],
        "ranges and base types have it",
    ),
    (
        &[
            "user mapping",
            "default privileges",
            "operator of access method",
            "function of access method",
        ],
        &["comment"],
        "nobody can say anything of it",
    ),
    (&["collation"], &["rules"], "since PostgreSQL 16"),
    (&["publication"], &["generated columns"], "since PostgreSQL 18"),
];

/// The pairs of each kind with each property.
fn pairs<'a>(
    kinds: &'a [&'static str],
    properties: &'a [&'static str],
) -> impl Iterator<Item = Pair> + 'a {
    kinds.iter().flat_map(move |kind| properties.iter().map(move |property| (*kind, *property)))
}

fn kinds(catalog: &str) -> &'static [&'static str] {
    let found = KINDS.iter().find(|(known, _)| *known == catalog);
    found.unwrap_or_else(|| panic!("which kinds of objects does {catalog} have?")).1
}

/// Queries of the room that read no property.
const APART: [&str; 6] = [
    "begin.sql",
    "dependency.sql",
    "loose.sql",
    "rows.sql",
    "second-spelling-begin.sql",
    "second-spelling.sql",
];

/// Every property of every kind of object that the queries read.
fn read_by_queries() -> BTreeSet<Pair> {
    let mut found = BTreeSet::new();
    let queries = repository().join("sql/query/facts");
    for name in entries(&queries) {
        if APART.contains(&&*name) {
            continue;
        }
        let text = std::fs::read_to_string(queries.join(&name)).unwrap();
        for branch in text.leak().split("UNION ALL\n") {
            match &*name {
                "object.sql" => found.extend(of_objects(branch)),
                // comments can be on objects of all kinds; BESIDES has the rest
                "remark.sql" => {}
                "column.sql" => found.extend(pairs(kinds("pg_attribute"), &properties(branch))),
                _ => found
                    .extend(pairs(kinds(catalog(branch, "FROM pg_catalog.")), &properties(branch))),
            }
        }
    }
    found.extend(KINDS.iter().flat_map(|(_, kinds)| pairs(kinds, &["comment"])));
    found.extend(pairs(&["sequence"], &["comment"]));
    found.extend(
        BESIDES.iter().flat_map(|(kind, properties)| pairs(std::slice::from_ref(kind), properties)),
    );
    found
}

/// The catalog that a branch of a query reads first, in a line that begins with `opening`.
fn catalog(branch: &'static str, opening: &str) -> &'static str {
    let from = branch.lines().find_map(|line| line.strip_prefix(opening));
    from.unwrap_or_default().split(' ').next().unwrap()
}

/// The names of the columns of a branch, or the keys of its JSON object.
fn properties(branch: &'static str) -> Vec<&'static str> {
    let until = |text: &'static str, end| text.split(end).next().unwrap().trim_end();
    let columns = branch.split(" AS \"").skip(1).map(|rest| until(rest, '"'));
    let entries = branch.split("\n  '").skip(1).map(|rest| until(rest, '\''));
    let only = branch.split("json_build_object('").skip(1).map(|rest| until(rest, '\''));
    columns.chain(entries).chain(only).collect()
}

/// Owner and privileges: the last columns but one of a branch in the query of objects.
fn of_objects(branch: &'static str) -> Vec<Pair> {
    let Some((list, _)) = branch.split_once("FROM pg_catalog.") else { return Vec::new() };
    let mut columns = list.rsplitn(4, ',').map(str::trim);
    let (kind, acl, owner) = (columns.next(), columns.next(), columns.next());
    let mut found = Vec::new();
    let catalog = catalog(branch, "  FROM pg_catalog.");
    if ["", "pg_depend"].contains(&catalog) {
        return found;
    }
    let kinds = if kind == Some("'s'") { &["sequence"] } else { kinds(catalog) };
    if owner.is_some_and(|owner| !owner.starts_with('0')) {
        found.extend(pairs(kinds, &["owner"]));
    }
    if acl.is_some_and(|acl| !acl.starts_with("NULL")) {
        found.extend(pairs(kinds, &["acl"]));
    }
    found
}

/// Properties after which the report names an object of the database, besides those that end in
/// "of". [`MEMBERS`] are kinds of members of extensions whose properties the report shows at the
/// extension.
const OPEN: [&str; 3] = ["table", "schema", "depends on extension"];
const MEMBERS: [&str; 4] = ["wrapper", "server", "function", "trigger"];

/// The kind and property of a line. The longest names that fit count, because the name of one kind
/// may begin like that of another. The name of an object may follow a property.
fn pair_of(line: &str, known: &BTreeSet<Pair>) -> Option<Pair> {
    let (_, said) = line.split_once(" ~ ")?;
    let kind = known.iter().map(|(kind, _)| *kind);
    let kind = kind.filter(|kind| said.starts_with(&format!("{kind} "))).max_by_key(|k| k.len())?;
    let said = format!("{said} ");
    let fitting = known.iter().filter(|(of, property)| {
        let is_open = property.ends_with(" of")
            || OPEN.contains(property)
            || *of == "extension" && MEMBERS.iter().any(|kind| property.ends_with(kind));
        let word = format!(" {property} ");
        *of == kind && (said.ends_with(&word) || is_open && said.contains(&word))
    });
    fitting.max_by_key(|(_, property)| property.len()).copied()
}

#[test]
fn every_property_of_every_kind_differs_in_a_change() {
    let known = read_by_queries();
    let changes = change::all();
    let lines = changes.iter().flat_map(Change::differs);
    let shown: BTreeSet<Pair> = lines.filter_map(|line| pair_of(line, &known)).collect();
    let never: BTreeSet<Pair> =
        NEVER.iter().flat_map(|(kinds, properties, _)| pairs(kinds, properties)).collect();
    let unseen: Vec<_> = known.difference(&shown).filter(|pair| !never.contains(pair)).collect();
    assert!(unseen.is_empty(), "no section of changes.sql shows {unseen:#?}");
    let stale: Vec<_> =
        never.iter().filter(|pair| shown.contains(pair) || !known.contains(pair)).collect();
    assert!(stale.is_empty(), "these differ after all, or are not read: {stale:#?}");
    let names: BTreeSet<_> = changes.iter().map(|change| change.name).collect();
    assert_eq!(names.len(), changes.len(), "a name stands for one section");
}
