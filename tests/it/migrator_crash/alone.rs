//! Crashes in a migration without a transaction: its changes stay, and only a person can say which
//! it made. So the migrator runs nothing again before somebody has said so.

use std::process::Child;

use super::support::{PsqlSession, VICTIMS, Victim, logs};
use crate::support::migrator::{MigratorProject, name};
use crate::support::trace::signal;

const FIRST: &str = "-- migrator: no-transaction\n";

/// A project where the second of three migrations waits at the gate between its two halves.
fn halves() -> MigratorProject {
    let project = MigratorProject::with_gate();
    project.write_logging(3);
    let halves = |way: &str| {
        format!(
            "{FIRST}{}CALL pass();\n{}",
            logs(2, &format!("{way}-a")),
            logs(2, &format!("{way}-b"))
        )
    };
    project.write_migration(&name(2), &halves("up"), &halves("down"));
    project
}

fn reach(project: &MigratorProject, way: &str) -> (Child, PsqlSession) {
    let gate = project.close_gate();
    let child = project.start(["migrate", way, "all"]);
    project.wait_until_at_gate();
    (child, gate)
}

#[test]
fn up_between_two_statements() {
    for victim in VICTIMS {
        let project = halves();
        let (child, gate) = reach(&project, "up");
        victim.kill(&project);
        drop(gate);
        let outcome = project.finish(child);
        let what = format!("{victim:?} {outcome}");
        match victim {
            // psql had received all statements and has finished them
            Victim::Runner => assert_eq!(project.state(2), "Migrated", "{what}"),
            Victim::Everybody => stops_until_aborted(&project, "up", "is number 1: INSERT"),
            Victim::Psql | Victim::Backend | Victim::Session => {
                let outcome = outcome.fails(4, ["statements before this one stay done"]);
                assert_eq!(project.state(2), "Error", "{victim:?} {outcome}");
            }
        }
        project.up_all();
        let again = if victim == Victim::Runner { "" } else { "2up-a " };
        assert_eq!(project.log(), format!("1up 2up-a {again}2up-b 3up"), "{what}");
        project.migrator(["validate"]).success();
    }
}

/// psql cannot print any more, and this error ends it.
#[test]
fn up_while_a_result_is_awaited() {
    let project = halves();
    let up = format!("{FIRST}{}SELECT gate();\n{}", logs(2, "up-a"), logs(2, "up-b"));
    project.write_migration(&name(2), &up, "SELECT 1;\n");
    let (child, gate) = reach(&project, "up");
    Victim::Runner.kill(&project);
    drop(gate);
    project.finish(child);
    stops_until_aborted(&project, "up", "is number 1: INSERT");
    project.up_all();
    assert_eq!(project.log(), "1up 2up-a 2up-a 2up-b 3up");
}

#[test]
fn down_between_two_statements() {
    for victim in [Victim::Psql, Victim::Everybody] {
        let project = halves();
        project.up_all();
        let (child, gate) = reach(&project, "down");
        victim.kill(&project);
        drop(gate);
        project.finish(child);
        if victim == Victim::Everybody {
            stops_until_aborted(&project, "down", "is number 1: INSERT");
        }
        assert_eq!(project.states(), "1 Migrated, 2 Error, 3 Undone");
        // half of the down is done, so only a down can follow
        project.up_fails(2, ["is half reverted"]);
        project.migrator(["migrate", "down", "all"]).success();
        let log = "1up 2up-a 2up-b 3up 3down 2down-a 2down-a 2down-b 1down";
        assert_eq!(project.log(), log, "{victim:?}");
        project.up_all();
    }
}

/// The last statement is done, but the history does not say so yet.
#[test]
fn after_the_last_statement() {
    let project = halves();
    project.migrator(["init"]).success();
    project.ask(
        "CREATE TRIGGER ending AFTER INSERT ON hectic.migration_event FOR EACH ROW \
         WHEN (new.version % 100 = 2 AND new.state = 'Migrated') EXECUTE FUNCTION gate_trigger()",
    );
    project.write_migration(&name(2), &format!("{FIRST}{}", logs(2, "up")), "SELECT 1;\n");
    let (child, gate) = reach(&project, "up");
    Victim::Everybody.kill(&project);
    drop(gate);
    project.finish(child);
    stops_until_aborted(&project, "up", "is number 1: INSERT");
    project.migrator(["repair", "--yes", "--applied", &name(2)]).success();
    project.up_all();
    assert_eq!(project.log(), "1up 2up 3up", "a person knew that it was done");
}

#[test]
fn before_the_first_statement_is_done() {
    let project = halves();
    project.write_migration(
        &name(2),
        &format!("{FIRST}SELECT gate();\n{}", logs(2, "up")),
        "SELECT 1;\n",
    );
    let (child, gate) = reach(&project, "up");
    Victim::Everybody.kill(&project);
    drop(gate);
    project.finish(child);
    stops_until_aborted(&project, "up", "None of its statements is known to be done");
    project.up_all();
    assert_eq!(project.log(), "1up 2up 3up");
}

#[test]
fn a_signal_between_two_statements() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let project = halves();
        let (child, gate) = reach(&project, "up");
        signal(name, child.id());
        let outcome = project.finish(child);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        drop(gate);
        project.nothing_left();
        assert_eq!(project.states(), "1 Migrated, 2 Error");
        project.up_all();
        assert_eq!(project.log(), "1up 2up-a 2up-a 2up-b 3up");
    }
}

/// A build that died leaves an invalid index. The next attempt names and removes it.
#[test]
fn an_index_that_died_while_it_was_built() {
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    for victim in [Victim::Session, Victim::Everybody] {
        let project = MigratorProject::with_gate();
        project.write_migration(
            &name(1),
            "CREATE TABLE t (x int) INHERITS (hectic.created_at);\n",
            "DROP TABLE t;\n",
        );
        let index = format!("{FIRST}CREATE INDEX CONCURRENTLY t_x ON t (x);\n{}", logs(2, "up"));
        project.write_migration(&name(2), &index, "DROP INDEX t_x;\n");
        project.migrator(["migrate", "up", "1"]).success();
        let mut writer = project.session();
        writer.say("BEGIN; INSERT INTO t DEFAULT VALUES;");
        let child = project.start(["migrate", "up", "all"]);
        project.wait_until_building();
        victim.kill(&project);
        drop(writer);
        let outcome = project.finish(child);
        assert_eq!(project.ask(invalid), "1", "{victim:?} {outcome}");
        if victim == Victim::Session {
            outcome.fails(4, ["invalid index", "public.t_x"]);
        } else {
            stops_until_aborted(&project, "up", "None of its statements");
        }
        let outcome = project.up_all();
        assert!(outcome.stderr.contains("removing the invalid index public.t_x"), "{outcome}");
        assert_eq!(project.ask(invalid), "0");
        assert_eq!(project.log(), "2up");
    }
}

/// The migrator runs nothing, in either direction, until `abort` has set the migration to Error.
#[track_caller]
fn stops_until_aborted(project: &MigratorProject, way: &str, done: &str) {
    let before = project.states();
    for arguments in [["migrate", "up", "all"], ["migrate", "down", "all"]] {
        project.migrator(arguments).fails(2, ["was interrupted", &name(2), done, "migrator abort"]);
    }
    assert_eq!(project.states(), before);
    assert_eq!(project.state(2), "Running");
    project.migrator(["abort", "--dry-run"]).success();
    assert_eq!(project.state(2), "Running");
    project.migrator(["abort"]).success();
    assert_eq!(project.state(2), "Error");
    let event =
        "SELECT action || ' ' || state FROM hectic.migration_event ORDER BY id DESC LIMIT 1";
    assert_eq!(project.ask(event), "abort Error", "{way}");
    let again = project.migrator(["abort"]).success();
    assert_eq!(again.stderr, "nothing is Running\n");
}
