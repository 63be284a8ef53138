//! Every victim is killed at every moment: the next run converges, and nothing was done twice.
//!
//! Each migration writes a row into a table, in its own transaction. So the table shows how often
//! each was really applied.

use super::moment::Moment;
use super::support::{VICTIMS, Victim, logs};
use crate::support::migrator::{MigratorProject, name};
use crate::support::trace::signal;
use crate::support::{Outcome, finish, wait_until};

/// Kills each victim in turn at `moment` of an `up`.
fn up(moment: Moment) {
    for victim in VICTIMS {
        let project = moment.prepare("up");
        let outcome = kill(&project, moment, victim, "up");
        let what = format!("{moment:?} {victim:?} {}\n{outcome}", project.states());
        // the row of the history and the SQL commit together
        assert_eq!(project.state(2) == "Migrated", project.log().contains("2up"), "{what}");
        told(&outcome, victim, project.state(2) == "Migrated", &what);
        let next = project.up_all();
        assert_eq!(project.log(), "1up 2up 3up", "{what}{next}");
        assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated", "{what}{next}");
        project.migrator(["validate"]).success();
        assert_eq!(project.up_all().stderr, NOTHING, "{what}");
    }
}

/// The same for a `down`.
fn down(moment: Moment) {
    for victim in VICTIMS {
        let project = moment.prepare("down");
        let outcome = kill(&project, moment, victim, "down");
        let what = format!("{moment:?} {victim:?} {}\n{outcome}", project.states());
        assert_eq!(project.state(2) == "Undone", project.log().contains("2down"), "{what}");
        told(&outcome, victim, project.state(2) == "Undone", &what);
        let next = project.migrator(["migrate", "down", "all"]).success();
        assert_eq!(project.log(), "1up 2up 3up 3down 2down 1down", "{what}{next}");
        assert_eq!(project.states(), "1 Undone, 2 Undone, 3 Undone", "{what}{next}");
        project.up_all();
        assert_eq!(project.states(), "1 Migrated, 2 Migrated, 3 Migrated", "{what}{next}");
    }
}

const NOTHING: &str = "nothing to do: the database is where it should be\n";

fn kill(project: &MigratorProject, moment: Moment, victim: Victim, way: &str) -> Outcome {
    let (child, hold) = moment.reach(project, way);
    victim.kill(project);
    hold.release(project);
    project.finish(child)
}

/// A migrator that has lost its psql reports truthfully whether the migration is done.
#[track_caller]
fn told(outcome: &Outcome, victim: Victim, done: bool, what: &str) {
    if matches!(victim, Victim::Runner | Victim::Everybody) {
        return assert_eq!(outcome.signal, Some(9), "{what}");
    }
    assert!(matches!(outcome.code, Some(1 | 4)), "{what}");
    let step = name(2);
    let claims_loss = outcome.stderr.contains(&format!("{step}: "))
        && outcome.stderr.contains("the server rolled this migration back");
    assert!(!(done && claims_loss), "{what}");
    let claims_success = outcome.stderr.contains("was committed before that and stays");
    assert!(done || !claims_success, "{what}");
}

#[test]
fn up_before_the_lock() {
    up(Moment::BeforeLock);
}

#[test]
fn up_before_it_is_running() {
    up(Moment::Starting);
}

#[test]
fn up_as_it_becomes_running() {
    up(Moment::Running);
}

#[test]
fn up_inside() {
    up(Moment::Inside);
}

#[test]
fn up_in_its_commit() {
    up(Moment::Committing);
}

#[test]
fn up_after_its_commit() {
    up(Moment::Committed);
}

#[test]
fn up_before_the_next() {
    up(Moment::Between);
}

#[test]
fn down_inside() {
    down(Moment::Inside);
}

#[test]
fn down_in_its_commit() {
    down(Moment::Committing);
}

#[test]
fn down_after_its_commit() {
    down(Moment::Committed);
}

#[test]
fn down_before_the_next() {
    down(Moment::Between);
}

/// The history says Running, but no session holds the lock. The migration was one transaction, so
/// the server rolled all of it back.
#[test]
fn a_dead_runner_is_noticed_and_noted() {
    for way in ["up", "down"] {
        let project = Moment::Inside.prepare(way);
        kill(&project, Moment::Inside, Victim::Everybody, way);
        assert_eq!(project.state(2), "Running");
        let info = project.migrator(["info"]).success();
        assert!(info.stdout.contains("Running"), "looking changes nothing: {info}");
        let next = project.migrator(["migrate", way, "all"]).success();
        let said = format!("the migrator that ran {} has died", name(2));
        assert!(next.stderr.contains(&said), "{next}");
        let errors =
            "SELECT action || ' ' || error FROM hectic.migration_event WHERE state = 'Error'";
        assert_eq!(
            project.ask(errors),
            format!("{way} the migrator ended before the migration did")
        );
    }
}

/// Interrupts a run at a moment. The migrator has to cancel the statement that the server still
/// runs.
#[track_caller]
fn interrupted(moment: Moment, way: &str, expected: &str) {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let project = moment.prepare(way);
        let (child, hold) = moment.reach(&project, way);
        signal(name, child.id());
        let outcome = project.finish(child);
        assert_eq!(outcome.signal, Some(number), "{moment:?} {outcome}");
        assert!(outcome.stderr.contains("interrupted"), "{outcome}");
        hold.release(&project);
        project.nothing_left();
        assert_eq!(project.states(), expected, "{moment:?} {way} {name} {outcome}");
        project.migrator(["migrate", way, "all"]).success();
        let log = if way == "up" { "1up 2up 3up" } else { "1up 2up 3up 3down 2down 1down" };
        assert_eq!(project.log(), log);
    }
}

#[test]
fn a_signal_while_waiting_for_the_lock() {
    interrupted(Moment::BeforeLock, "up", "");
}

#[test]
fn a_signal_inside() {
    interrupted(Moment::Inside, "up", "1 Migrated, 2 Error");
    interrupted(Moment::Inside, "down", "1 Migrated, 2 Migrated, 3 Undone");
}

#[test]
fn a_signal_in_the_commit() {
    interrupted(Moment::Committing, "up", "1 Migrated, 2 Error");
}

/// The server restarts at once, while the migrator still tries to record the failure.
#[test]
fn the_server_restarts_in_the_middle() {
    let project = Moment::Inside.prepare("up");
    let (child, hold) = Moment::Inside.reach(&project, "up");
    stop_at_once(&project);
    project.init([]).success();
    drop(hold);
    project.finish(child).fails(4, ["the server rolled this migration back"]);
    assert_eq!(project.states(), "1 Migrated, 2 Error");
    project.up_all();
    assert_eq!(project.log(), "1up 2up 3up");
}

/// The server stays down. The migrator cannot record the failure, and says so.
#[test]
fn the_server_goes_away_in_the_middle() {
    let project = Moment::Inside.prepare("up");
    let (child, hold) = Moment::Inside.reach(&project, "up");
    stop_at_once(&project);
    drop(hold);
    finish(child, None).fails(4, ["the history still says Running"]);
    project.init([]).success();
    assert_eq!(project.states(), "1 Migrated, 2 Running");
    project.up_all();
    assert_eq!(project.log(), "1up 2up 3up");
}

fn stop_at_once(project: &MigratorProject) {
    signal("QUIT", project.postmaster());
    wait_until("the server ends", || !project.path("pg/data/postmaster.pid").exists());
}

/// These tests do not need root.
#[test]
fn as_an_ordinary_user() {
    let project = MigratorProject::with_gate_as_ordinary_user();
    project.write_logging(3);
    project.write_migration(&name(2), &format!("{}SELECT gate();\n", logs(2, "up")), "SELECT 1;");
    for victim in [Victim::Psql, Victim::Everybody] {
        let gate = project.close_gate();
        let child = project.start(["migrate", "up", "all"]);
        project.wait_until_at_gate();
        victim.kill(&project);
        drop(gate);
        finish(child, None);
        project.wait_until_quiet();
    }
    project.up_all();
    assert_eq!(project.log(), "1up 2up 3up");
    project.migrator(["migrate", "down", "all"]).success();
}
