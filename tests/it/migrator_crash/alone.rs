//! Crashes in a migration without a transaction: its changes stay, and only a person can say which
//! it made. So the migrator runs nothing again before somebody has said so.

use std::process::Child;

use super::support::{Held, Site, VICTIMS, Victim, logs, name};
use crate::support::trace::signal;

const FIRST: &str = "-- migrator: no-transaction\n";

/// A site where the second of three migrations waits at the gate between its two halves.
fn halves() -> Site {
    let site = Site::new();
    site.logging(3);
    let halves = |way: &str| {
        format!(
            "{FIRST}{}CALL pass();\n{}",
            logs(2, &format!("{way}-a")),
            logs(2, &format!("{way}-b"))
        )
    };
    site.migration(2, &halves("up"), &halves("down"));
    site
}

fn reach(site: &Site, way: &str) -> (Child, Held) {
    let gate = site.close();
    let child = site.start(["migrate", way, "all"]);
    site.at_the_gate();
    (child, gate)
}

#[test]
fn up_between_two_statements() {
    for victim in VICTIMS {
        let site = halves();
        let (child, gate) = reach(&site, "up");
        victim.kill(&site);
        drop(gate);
        let outcome = site.end(child);
        let what = format!("{victim:?} {outcome}");
        match victim {
            // psql had received all statements and has finished them
            Victim::Runner => assert_eq!(site.state(2), "Migrated", "{what}"),
            Victim::Everybody => stops_until_aborted(&site, "up", "is number 1: INSERT"),
            Victim::Psql | Victim::Backend | Victim::Session => {
                let outcome = outcome.fails(4, ["statements before this one stay done"]);
                assert_eq!(site.state(2), "Error", "{victim:?} {outcome}");
            }
        }
        site.up().success();
        let again = if victim == Victim::Runner { "" } else { "2up-a " };
        assert_eq!(site.log(), format!("1up 2up-a {again}2up-b 3up"), "{what}");
        site.migrator(["validate"]).success();
    }
}

/// psql cannot print any more, and this error ends it.
#[test]
fn up_while_a_result_is_awaited() {
    let site = halves();
    let up = format!("{FIRST}{}SELECT gate();\n{}", logs(2, "up-a"), logs(2, "up-b"));
    site.migration(2, &up, "SELECT 1;\n");
    let (child, gate) = reach(&site, "up");
    Victim::Runner.kill(&site);
    drop(gate);
    site.end(child);
    stops_until_aborted(&site, "up", "is number 1: INSERT");
    site.up().success();
    assert_eq!(site.log(), "1up 2up-a 2up-a 2up-b 3up");
}

#[test]
fn down_between_two_statements() {
    for victim in [Victim::Psql, Victim::Everybody] {
        let site = halves();
        site.up().success();
        let (child, gate) = reach(&site, "down");
        victim.kill(&site);
        drop(gate);
        site.end(child);
        if victim == Victim::Everybody {
            stops_until_aborted(&site, "down", "is number 1: INSERT");
        }
        assert_eq!(site.states(), "1:Migrated 2:Error 3:Undone");
        // half of the down is done, so only a down can follow
        site.up().fails(2, ["is half reverted"]);
        site.migrator(["migrate", "down", "all"]).success();
        let log = "1up 2up-a 2up-b 3up 3down 2down-a 2down-a 2down-b 1down";
        assert_eq!(site.log(), log, "{victim:?}");
        site.up().success();
    }
}

/// The last statement is done, but the history does not say so yet.
#[test]
fn after_the_last_statement() {
    let site = halves();
    site.migrator(["init"]).success();
    site.ask(
        "CREATE TRIGGER ending AFTER INSERT ON hectic.migration_event FOR EACH ROW \
         WHEN (new.version % 100 = 2 AND new.state = 'Migrated') EXECUTE FUNCTION gate_trigger()",
    );
    site.migration(2, &format!("{FIRST}{}", logs(2, "up")), "SELECT 1;\n");
    let (child, gate) = reach(&site, "up");
    Victim::Everybody.kill(&site);
    drop(gate);
    site.end(child);
    stops_until_aborted(&site, "up", "is number 1: INSERT");
    site.migrator(["repair", "--yes", "--applied", &name(2)]).success();
    site.up().success();
    assert_eq!(site.log(), "1up 2up 3up", "a person knew that it was done");
}

#[test]
fn before_the_first_statement_is_done() {
    let site = halves();
    site.migration(2, &format!("{FIRST}SELECT gate();\n{}", logs(2, "up")), "SELECT 1;\n");
    let (child, gate) = reach(&site, "up");
    Victim::Everybody.kill(&site);
    drop(gate);
    site.end(child);
    stops_until_aborted(&site, "up", "None of its statements is known to be done");
    site.up().success();
    assert_eq!(site.log(), "1up 2up 3up");
}

#[test]
fn a_signal_between_two_statements() {
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let site = halves();
        let (child, gate) = reach(&site, "up");
        signal(name, child.id());
        let outcome = site.end(child);
        assert_eq!(outcome.signal, Some(number), "{outcome}");
        drop(gate);
        site.nothing_left();
        assert_eq!(site.states(), "1:Migrated 2:Error");
        site.up().success();
        assert_eq!(site.log(), "1up 2up-a 2up-a 2up-b 3up");
    }
}

/// A build that died leaves an invalid index. The next attempt names and removes it.
#[test]
fn an_index_that_died_while_it_was_built() {
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    for victim in [Victim::Session, Victim::Everybody] {
        let site = Site::new();
        site.migration(
            1,
            "CREATE TABLE t (x int) INHERITS (hectic.created_at);\n",
            "DROP TABLE t;\n",
        );
        let index = format!("{FIRST}CREATE INDEX CONCURRENTLY t_x ON t (x);\n{}", logs(2, "up"));
        site.migration(2, &index, "DROP INDEX t_x;\n");
        site.migrator(["migrate", "up", "1"]).success();
        let mut writer = site.session();
        writer.say("BEGIN; INSERT INTO t DEFAULT VALUES;");
        let child = site.start(["migrate", "up", "all"]);
        site.building();
        victim.kill(&site);
        drop(writer);
        let outcome = site.end(child);
        assert_eq!(site.ask(invalid), "1", "{victim:?} {outcome}");
        if victim == Victim::Session {
            outcome.fails(4, ["invalid index", "public.t_x"]);
        } else {
            stops_until_aborted(&site, "up", "None of its statements");
        }
        let outcome = site.up().success();
        assert!(outcome.stderr.contains("removing the invalid index public.t_x"), "{outcome}");
        assert_eq!(site.ask(invalid), "0");
        assert_eq!(site.log(), "2up");
    }
}

/// The migrator runs nothing, in either direction, until `abort` has set the migration to Error.
#[track_caller]
fn stops_until_aborted(site: &Site, way: &str, done: &str) {
    let before = site.states();
    for arguments in [["migrate", "up", "all"], ["migrate", "down", "all"]] {
        site.migrator(arguments).fails(2, ["was interrupted", &name(2), done, "migrator abort"]);
    }
    assert_eq!(site.states(), before);
    assert_eq!(site.state(2), "Running");
    site.migrator(["abort", "--dry-run"]).success();
    assert_eq!(site.state(2), "Running");
    site.migrator(["abort"]).success();
    assert_eq!(site.state(2), "Error");
    let event =
        "SELECT action || ' ' || state FROM hectic.migration_event ORDER BY id DESC LIMIT 1";
    assert_eq!(site.ask(event), "abort Error", "{way}");
    let again = site.migrator(["abort"]).success();
    assert_eq!(again.stderr, "nothing is Running\n");
}
