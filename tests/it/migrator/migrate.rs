//! `migrate up`, `down`, `to`, `redo` and `apply`: all forms and their messages.

use crate::support::migrator::{MigratorProject, name};

#[test]
fn up_goes_forward_by_one_by_several_and_by_all() {
    let project = MigratorProject::with_tables(5);
    let one = project.migrator(["migrate", "up"]).success();
    assert!(one.stderr.contains(&format!("applied {}", name(1))), "{one}");
    assert_eq!(project.tables(), "t1");
    project.migrator(["migrate", "up", "2"]).success();
    assert_eq!(project.tables(), "t1 t2 t3");
    project.migrator(["migrate", "up", "9"]).success();
    assert_eq!(project.tables(), "t1 t2 t3 t4 t5");
    let done = project.up_all();
    assert!(done.stderr.contains("nothing to do"), "{done}");
    project.migrator(["migrate", "up"]).fails(1, ["nothing left to apply", "up all"]);
    project.migrator(["migrate", "up", "1"]).fails(1, ["nothing left to apply"]);
}

#[test]
fn down_goes_back_by_one_by_several_and_by_all() {
    let project = MigratorProject::applied(5);
    let one = project.migrator(["migrate", "down"]).success();
    assert!(one.stderr.contains(&format!("reverted {}", name(5))), "{one}");
    project.migrator(["migrate", "down", "2"]).success();
    assert_eq!(project.tables(), "t1 t2");
    project.migrator(["migrate", "down", "all"]).success();
    assert_eq!(project.tables(), "");
    assert_eq!(project.states(), "1 Undone, 2 Undone, 3 Undone, 4 Undone, 5 Undone");
    project.migrator(["migrate", "down", "all"]).success();
    project.migrator(["migrate", "down"]).fails(1, ["nothing is applied"]);
    project.up_all();
    assert_eq!(project.tables(), "t1 t2 t3 t4 t5");
}

#[test]
fn to_goes_where_it_is_told() {
    let project = MigratorProject::with_tables(4);
    let to = |target: &str| project.migrator(["migrate", "to", target]).success();
    to(&name(2));
    assert_eq!(project.tables(), "t1 t2");
    to("t3");
    assert_eq!(project.tables(), "t1 t2 t3");
    to("20250101000001");
    assert_eq!(project.tables(), "t1");
    for (last, first) in [("latest", "0"), ("head", "0"), ("last", "0")] {
        to(last);
        assert_eq!(project.tables(), "t1 t2 t3 t4");
        to(last);
        to(first);
        assert_eq!(project.tables(), "");
    }
    project.migrator(["migrate", "to", "t9"]).fails(3, ["no migration called \"t9\"", &name(4)]);
    project.migrator(["migrate", "to"]).fails(3, ["NAME"]);
}

#[test]
fn redo_goes_back_and_forward_again() {
    let project = MigratorProject::applied(3);
    let redone = project.migrator(["migrate", "redo"]).success().stderr;
    let reverted = redone.find(&format!("reverted {}", name(3)));
    assert!(reverted < redone.find(&format!("applied {}", name(3))), "{redone}");
    project.migrator(["migrate", "redo", "2", "--json"]).success();
    let moves = "SELECT string_agg(version % 100 || action, ' ' ORDER BY id) \
                 FROM (SELECT * FROM hectic.migration_event WHERE state <> 'Running' \
                       ORDER BY id DESC LIMIT 4) e";
    assert_eq!(project.ask(moves), "3down 2down 2up 3up");
    assert_eq!(project.tables(), "t1 t2 t3");
    project.migrator(["migrate", "down", "all"]).success();
    project.migrator(["migrate", "redo"]).fails(1, ["nothing is applied"]);
}

#[test]
fn apply_says_the_same_in_other_words() {
    let project = MigratorProject::with_tables(5);
    project.migrator(["apply", "next"]).success();
    assert_eq!(project.tables(), "t1");
    project.migrator(["apply", "until", &name(3)]).success();
    assert_eq!(project.tables(), "t1 t2 t3");
    project.migrator(["apply", "until", "t2"]).success();
    assert_eq!(project.tables(), "t1 t2 t3");
    project.migrator(["apply", "until", "t9"]).fails(3, ["t9"]);
    project.migrator(["apply"]).success();
    assert_eq!(project.tables(), "t1 t2 t3 t4 t5");
    project.migrator(["apply", "all"]).success();
    project.migrator(["apply", "next"]).fails(1, ["nothing left to apply"]);
    project.migrator(["migrate", "to", "0"]).success();
    project.migrator(["apply", "until", "latest"]).success();
    assert_eq!(project.tables(), "t1 t2 t3 t4 t5");
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let project = MigratorProject::with_tables(1);
    for verb in ["up", "down", "redo"] {
        let zero = format!("{verb} 0 does nothing");
        project.migrator(["migrate", verb, "0"]).fails(2, [&zero]);
        project.migrator(["migrate", verb, "many"]).fails(9, ["many"]);
    }
    project.migrator(["migrate", "up", "1.5"]).fails(9, ["1.5"]);
    project.migrator(["migrate"]).fails(3, []);
    assert_eq!(project.tables(), "");
}

#[test]
fn commands_that_are_two_are_ambiguous() {
    let project = MigratorProject::with_tables(1);
    let words = |text: &str| {
        project.run("migrator", text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    };
    for text in ["init migrate", "info list", "list info", "validate apply", "migrate up create"] {
        words(text).fails(2, ["ambiguous subcommand"]);
    }
    for text in ["migrate up down", "migrate up to x", "migrate up all down", "migrate to x redo"] {
        words(text).fails(2, ["ambiguous migrate subcommand"]);
    }
    for text in ["apply all next", "apply next --dry-run until t1", "apply until next"] {
        words(text).fails(2, ["ambiguous apply subcommand"]);
    }
    for text in ["nonsense", "migrate sideways", "apply sometimes", "info --nonsense", "up"] {
        assert_eq!(words(text).code, Some(9), "{text}");
    }
    assert_eq!(project.ask("SELECT to_regclass('hectic.migration') IS NULL"), "t");
}

#[test]
fn two_commands_of_migrate_are_ambiguous_also_without_a_url() {
    let project = MigratorProject::offline();
    for text in
        ["migrate to up", "migrate up to", "migrate up --dry-run to t1", "migrate down redo"]
    {
        let words = [vec!["--inherits", "tablename"], text.split(' ').collect()].concat();
        project.run("migrator", &words[..]).fails(2, ["ambiguous migrate subcommand"]);
        let words = [vec!["migrator"], words].concat();
        project.run("database", &words[..]).fails(2, ["ambiguous migrate subcommand"]);
    }
}

#[test]
fn up_latest_is_up_all() {
    let project = MigratorProject::new();
    for (number, word) in (1..).zip(["latest", "head", "last"]) {
        project.write_table(2 * number);
        project.write_table(2 * number + 1);
        project.migrator(["migrate", "up", word]).success();
        project.migrator(["migrate", "up"]).fails(1, ["nothing left to apply"]);
        project.migrator(["migrate", "up", word]).success();
        project.migrator(["migrate", "down", word]).fails(9, [word]);
    }
}

#[test]
fn each_move_is_told_in_json() {
    let project = MigratorProject::with_tables(2);
    let moved = project.migrator(["--json", "migrate", "up", "all"]).success().stdout;
    let moved: serde_json::Value = serde_json::from_str(&moved).unwrap();
    assert_eq!(moved.as_array().unwrap().len(), 2);
    assert_eq!(moved[1]["name"], name(2));
    assert_eq!(moved[1]["direction"], "up");
    assert_eq!(moved[1]["version"], 20_250_101_000_002_u64);
    let nothing = project.migrator(["migrate", "up", "all", "--json"]).success().stdout;
    assert_eq!(nothing, "[]\n");
    let back = project.migrator(["migrate", "--json", "down"]).success().stdout;
    let back: serde_json::Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back[0]["direction"], "down");
}

#[test]
fn one_missing_down_stops_the_whole_way_back() {
    let project = MigratorProject::with_tables(4);
    let missing = format!("migration/{}/down.sql", name(2));
    std::fs::remove_file(project.path(&missing)).unwrap();
    project.up_all();
    let before = project.everything();
    project.migrator(["migrate", "down", "3"]).fails(3, [&name(2), "has no down file", "RAISE"]);
    project.migrator(["migrate", "to", "0"]).fails(3, [&name(2)]);
    project.migrator(["migrate", "redo", "3"]).fails(3, [&name(2)]);
    assert_eq!(project.everything(), before);
    project.migrator(["migrate", "down", "2"]).success();
    assert_eq!(project.tables(), "t1 t2");
}

#[test]
fn a_missing_up_is_named_before_anything_runs() {
    let project = MigratorProject::with_tables(3);
    std::fs::remove_file(project.path(&format!("migration/{}/up.sql", name(3)))).unwrap();
    project.up_fails(3, [&name(3), "has no up file"]);
    assert_eq!(project.tables(), "");
    project.migrator(["migrate", "up", "2"]).success();
}
