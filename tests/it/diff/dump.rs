//! A database and its own dump.

use super::support::LiveProject;
use crate::support::project;

const RICH: &str = include_str!("../../fixture/facts/rich.sql");
const SPELLING: &str = include_str!("../../fixture/facts/spelling.sql");

#[test]
fn every_place_of_an_expression_is_the_same_after_a_dump() {
    let live = LiveProject::new(SPELLING);
    live.silent();
    live.dump_and_load().silent();
    live.dump_and_load().silent();
}

#[test]
fn every_kind_of_object_is_the_same_after_a_dump() {
    // pg_dump takes a language for an extension if an extension owns its handler
    let is_dumped = |line: &&str| !line.contains("plcopy");
    let sql: Vec<&str> = RICH.lines().filter(is_dumped).collect();
    LiveProject::new(&sql.join("\n")).dump_and_load().silent();
}

#[test]
fn projects_are_the_same_after_a_dump() {
    for project in ["nix/template", "tests/fixture/legacy"] {
        LiveProject::of(project).dump_and_load().silent();
    }
}

#[test]
fn what_the_tests_of_the_bundle_leave_is_the_same_after_a_dump() {
    let found = LiveProject::of_bundle_fixtures().dump_and_load().diff([]).success();
    // a child that somebody attached later has its columns in another order
    let is_change = |line: &&str| ["+ ", "- ", "~ "].iter().any(|sign| line.starts_with(sign));
    let changes: Vec<&str> = found.stdout.lines().filter(is_change).collect();
    assert_eq!(changes.len(), 3, "{found}");
    assert!(changes.iter().all(|line| line.ends_with("[order]")), "{found}");
}

#[test]
fn what_was_altered_and_dumped_is_the_only_difference() {
    let live = LiveProject::new(SPELLING);
    live.change(
        "ALTER TABLE item DROP CONSTRAINT item_check;
         ALTER TABLE item ADD CONSTRAINT item_check CHECK (state NOT IN ('new', 'paid') AND (letter IN ('a', 'c') OR NOT called IN ('a', 'b')));
         ALTER TABLE item RENAME CONSTRAINT item_state_check TO known_state;
         ALTER TABLE item RENAME CONSTRAINT item_n_expr_excl TO one_a_number;
         ALTER INDEX item_id_idx RENAME TO \"of the INDEX\";
         ALTER POLICY reading ON item WITH CHECK (state IN ('a', 'c'));
         ALTER PUBLICATION told SET TABLE item (id, n, note) WHERE (n BETWEEN 1 AND 2 AND id > 0);
         DROP VIEW chosen; CREATE VIEW chosen AS SELECT id FROM item
           WHERE day BETWEEN '2020-01-01' AND '2021-01-01' AND n > 1 AND state IN ('new', 'paid');",
    );
    live.dump_and_load();
    let expected = [
        "semantic ~ view public.chosen definition",
        "semantic ~ column public.chosen.id default",
        "name-only ~ constraint known_state on public.item name",
        "name-only ~ constraint one_a_number on public.item name",
        "semantic ~ constraint item_check on public.item definition",
        "name-only ~ index public.\"of the INDEX\" name",
        "security ~ policy reading on public.item with check",
        "semantic ~ publication told table public.item",
    ];
    let (mut found, mut expected) = (live.schema(), expected.map(str::to_owned).to_vec());
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// A migration holds the spelling of one side. The object that it makes has the other spelling.
#[test]
fn a_draft_of_every_expression_is_proven() {
    // the draft does not contain the default of a view's column
    let is_drafted = |line: &&str| !line.starts_with("ALTER VIEW");
    let sql: Vec<&str> = SPELLING.lines().filter(is_drafted).collect();
    let sandbox = project::with_source(&sql.join("\n"));
    sandbox.database(["diff", "--from-migrations", "--write-migration", "all"]).fails(1, ["wrote"]);
    let found = sandbox.database(["diff", "--from-migrations"]).success();
    assert_eq!(found.stdout, "", "{found}");
}
