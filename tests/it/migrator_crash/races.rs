//! Several migrators at once, and people who change the history meanwhile.

use std::process::Child;

use super::support::{LOCK, Site, Victim, logs, name, runner};
use crate::support::Outcome;
use crate::support::wait::hear;

/// Reads the output of a migrator up to the line that contains `word`, and returns that line.
#[track_caller]
fn says(child: &mut Child, word: &str) -> String {
    let pid = child.id();
    let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
    let enough = |said: &str| said.ends_with('\n') && last(said).contains(word);
    let said = hear(child.stderr.as_mut().unwrap(), pid, enough);
    assert!(last(&said).contains(word), "it did not say {word:?}: {said}");
    last(&said)
}

const WAITING: &str = "waiting for another migrator";

const NOTHING: &str = "nothing to do: the database is where it should be\n";

#[test]
fn two_on_the_same_migration() {
    let site = Site::new();
    site.migration(1, &format!("{}SELECT gate();\n", logs(1, "up")), &logs(1, "down"));
    let gate = site.close();
    let first = site.start(["migrate", "up", "all"]);
    site.at_the_gate();
    let holder = runner(&site);
    let mut second = site.start(["migrate", "up", "all"]);
    let said = says(&mut second, WAITING);
    for word in [format!("migrator {holder}@"), "session ".into(), ", since 20".into()] {
        assert!(said.contains(&word), "{word} in {said}");
    }
    assert!(said.contains(&format!("running {} since 20", name(1))), "{said}");
    drop(gate);
    site.end(first).success();
    assert_eq!(site.end(second).success().stderr, NOTHING);
    assert_eq!(site.log(), "1up");
    assert_eq!(site.states(), "1:Migrated");
}

/// Two branches have the same version: the second migration is refused, and the history keeps the
/// first.
#[test]
fn two_with_different_files_of_one_version() {
    let other = format!("{}-other", &name(1)[..14]);
    for (theirs, words) in [
        (name(1), ["was changed after it was applied", "migrator repair"]),
        (other.clone(), ["Migration history mismatch", other.as_str()]),
    ] {
        let site = Site::new();
        site.migration(1, &format!("{}SELECT gate();\n", logs(1, "up")), &logs(1, "down"));
        site.sandbox.write(&format!("branch/{theirs}/up.sql"), logs(1, "branch"));
        let branch = site.sandbox.path("branch");
        let gate = site.close();
        let first = site.start(["migrate", "up", "all"]);
        site.at_the_gate();
        let mut second = site.start(["-d", branch.to_str().unwrap(), "migrate", "up", "all"]);
        says(&mut second, WAITING);
        drop(gate);
        site.end(first).success();
        site.end(second).fails(2, words);
        assert_eq!(site.log(), "1up");
        let events =
            "SELECT string_agg(name || ' ' || state, ' ' ORDER BY id) FROM hectic.migration_event";
        assert_eq!(site.ask(events), format!("{0} Running {0} Migrated", name(1)));
        site.migrator(["validate"]).success();
    }
}

#[test]
fn four_at_once_on_a_fresh_database() {
    let site = Site::new();
    site.logging(12);
    let started: Vec<_> = (0..4).map(|_| site.start(["migrate", "up", "all"])).collect();
    let told: Vec<Outcome> = started.into_iter().map(|child| site.end(child).success()).collect();
    let expected: Vec<String> = (1..=12).map(|number| format!("{number}up")).collect();
    assert_eq!(site.log(), expected.join(" "), "{told:?}");
    let applied = told.iter().filter(|outcome| outcome.stderr.contains("applied")).count();
    assert_eq!(applied, 1, "{told:?}");
}

#[test]
fn four_inits_on_a_fresh_database() {
    let site = Site::new();
    let started: Vec<_> = (0..4).map(|_| site.start(["init"])).collect();
    for child in started {
        site.end(child).success();
    }
    site.logging(1);
    site.up().success();
    assert_eq!(site.log(), "1up");
}

/// The state that a runner read before it had the lock counts for nothing.
#[test]
fn a_stale_view() {
    let reverted = format!(
        "UPDATE hectic.migration_state SET state = 'Undone' WHERE version % 100 = 2;{}",
        logs(2, "by-hand")
    );
    let copied = "INSERT INTO hectic.migration_state (migration_set, version, name, state, direction, transactional, \
                  checksum, normalized_checksum, actor, tool_version, applied_event) \
                  SELECT migration_set, version + 1, 'NAME', state, direction, transactional, \
                  checksum, normalized_checksum, actor, tool_version, applied_event + 100 \
                  FROM hectic.migration_state WHERE version % 100 = 2;";
    for (change, code, words, log) in [
        // somebody reverts it meanwhile: it is applied again
        (reverted, 0, [""; 2], "1up 2up 2by-hand 2up 3up"),
        // somebody applies another file meanwhile
        (copied.replace("NAME", &name(3)), 2, ["was changed after", "step-3"], "1up 2up"),
        // another migration takes the version meanwhile
        (
            copied.replace("NAME", "20260101000003-theirs"),
            2,
            ["history mismatch", "theirs"],
            "1up 2up",
        ),
        // a person has renamed an applied migration
        (
            "UPDATE hectic.migration_state SET name = '20260101000002-theirs' WHERE version % 100 = 2;"
                .to_owned(),
            2,
            ["history mismatch", "theirs"],
            "1up 2up",
        ),
    ] {
        let site = Site::new();
        site.logging(2);
        site.up().success();
        site.logging(3);
        let mut lock = site.hold(LOCK);
        let mut child = site.start(["migrate", "up", "all"]);
        says(&mut child, WAITING);
        lock.say(&change);
        drop(lock);
        let outcome = site.end(child);
        assert_eq!(outcome.code, Some(code), "{change} {outcome}");
        assert!(words.iter().all(|word| outcome.stderr.contains(word)), "{change} {outcome}");
        assert_eq!(site.log(), log, "{change}");
    }
}

/// The waiting runner continues at the point where the killed one stopped.
#[test]
fn a_runner_killed_while_another_waits() {
    for victim in [Victim::Runner, Victim::Psql, Victim::Session] {
        let site = Site::new();
        site.logging(2);
        site.migration(1, &format!("{}SELECT gate();\n", logs(1, "up")), &logs(1, "down"));
        let gate = site.close();
        let first = site.start(["migrate", "up", "all"]);
        site.at_the_gate();
        let prey = victim.choose(&site);
        let mut second = site.start(["migrate", "up", "all"]);
        says(&mut second, WAITING);
        prey.kill(&site);
        drop(gate);
        site.end(second).success();
        site.end(first);
        assert_eq!(site.log(), "1up 2up", "{victim:?}");
        assert_eq!(site.states(), "1:Migrated 2:Migrated", "{victim:?}");
    }
}

#[test]
fn a_limit_of_waiting() {
    let site = Site::new();
    site.migration(1, "SELECT gate();\n", "SELECT 1;\n");
    let gate = site.close();
    let first = site.start(["migrate", "up", "all"]);
    site.at_the_gate();
    let holder = format!("migrator {}@", runner(&site));
    let running = format!("running {} since", name(1));
    let second = site.migrator(["--wait", "1s", "migrate", "up", "all"]);
    second.fails(2, [holder.as_str(), running.as_str(), "--wait"]);
    drop(gate);
    site.end(first).success();
}

/// No command changes the history beside a running migration.
#[test]
fn changes_of_the_history_wait_or_refuse() {
    let site = Site::new();
    site.logging(2);
    site.migration(1, &format!("{}SELECT gate();\n", logs(1, "up")), &logs(1, "down"));
    let gate = site.close();
    let mut first = site.start(["migrate", "up", "1"]);
    site.at_the_gate();
    let holder = format!("migrator {}@", runner(&site));
    let step = name(2);
    site.migrator(["abort"]).fails(2, ["nothing is aborted while", &holder]);
    for arguments in [
        &["repair", "--yes"][..],
        &["repair", "--yes", "--applied", &step],
        &["repair", "--yes", "--reverted", &step],
        &["baseline", &step],
        &["clean", "--yes"],
        &["migrate", "down", "all"],
    ] {
        let words = [&["--wait", "0s"], arguments].concat();
        site.sandbox.run("migrator", words).fails(2, [&holder]);
    }
    // commands that only read are allowed
    for verb in ["info", "history", "validate", "list"] {
        site.migrator([verb]).success();
    }
    assert!(first.try_wait().unwrap().is_none());
    assert_eq!(site.states(), "1:Running");
    let mut baseline = site.start(["baseline", &step]);
    says(&mut baseline, WAITING);
    drop(gate);
    site.end(first).success();
    site.end(baseline).success();
    assert_eq!((site.log(), site.states()), ("1up".to_owned(), "1:Migrated 2:Migrated".to_owned()));
    site.migrator(["clean", "--yes"]).success();
    assert_eq!(site.ask("SELECT to_regclass('hectic.migration') IS NULL"), "t");
}

/// No command overwrites the record of a migration that died before `abort` has marked it.
#[test]
fn changes_of_the_history_leave_a_dead_runner_to_abort() {
    let site = Site::new();
    site.migration(1, "-- migrator: no-transaction\nSELECT gate();\n", "SELECT 1;\n");
    let gate = site.close();
    let first = site.start(["migrate", "up", "1"]);
    site.at_the_gate();
    Victim::Everybody.kill(&site);
    drop(gate);
    site.end(first);
    let step = name(1);
    for arguments in [
        &["repair", "--yes"][..],
        &["repair", "--yes", "--applied", &step],
        &["baseline", &step],
        &["apply"],
    ] {
        site.sandbox.run("migrator", arguments).fails(2, [step.as_str(), "migrator abort"]);
        assert_eq!(site.states(), "1:Running");
    }
}

/// A concurrent build of an index waits for every snapshot. It must not wait for the migrators that
/// wait for it.
#[test]
fn a_concurrent_build_beside_waiting_migrators() {
    let site = Site::new();
    site.migration(1, "CREATE TABLE t (x int) INHERITS (hectic.created_at);\n", "DROP TABLE t;\n");
    let build = "-- migrator: no-transaction\nCREATE INDEX CONCURRENTLY t_x ON t (x);\n";
    site.migration(2, build, "DROP INDEX t_x;\n");
    site.migrator(["migrate", "up", "1"]).success();
    let mut writer = site.session();
    writer.say("BEGIN; INSERT INTO t DEFAULT VALUES;");
    let first = site.start(["migrate", "up", "all"]);
    site.building();
    let mut waiting: Vec<Child> = (0..2).map(|_| site.start(["migrate", "up", "all"])).collect();
    for child in &mut waiting {
        says(child, WAITING);
    }
    drop(writer);
    site.end(first).success();
    for child in waiting {
        assert_eq!(site.end(child).success().stderr, NOTHING);
    }
    assert_eq!(site.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_x'::regclass"), "t");
}

/// Sets are independent, but they share the database and one lock. The message to a waiting runner
/// names the migration that runs, not one that once died in another set.
#[test]
fn two_sets() {
    let site = Site::new();
    site.migration(1, "-- migrator: no-transaction\nSELECT gate();\n", "SELECT 1;\n");
    let gate = site.close();
    let dead = site.start(["--migration-set", "dead", "migrate", "up", "all"]);
    site.at_the_gate();
    Victim::Everybody.kill(&site);
    drop(gate);
    site.end(dead);
    site.migration(2, &format!("{}SELECT gate();\n", logs(2, "up")), "SELECT 1;\n");
    std::fs::remove_dir_all(site.sandbox.path("migration").join(name(1))).unwrap();
    let gate = site.close();
    let first = site.start(["--migration-set", "one", "migrate", "up", "all"]);
    site.at_the_gate();
    let mut second = site.start(["--migration-set", "two", "migrate", "up", "all"]);
    let said = says(&mut second, WAITING);
    assert!(said.contains(&format!("running {}", name(2))), "{said}");
    drop(gate);
    site.end(first).success();
    site.end(second).success();
    let states = "SELECT string_agg(migration_set || state, ' ' ORDER BY migration_set) FROM hectic.migration_state";
    assert_eq!(site.ask(states), "deadRunning oneMigrated twoMigrated");
    assert_eq!(site.log(), "2up 2up");
}
