//! Several migrators at once, and people who change the history meanwhile.

use std::process::Child;

use super::support::{LOCK, Victim, logs, runner};
use crate::support::Outcome;
use crate::support::migrator::{MigratorProject, name};
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
    let project = MigratorProject::with_gate();
    project.write_migration(
        &name(1),
        &format!("{}SELECT gate();\n", logs(1, "up")),
        &logs(1, "down"),
    );
    let gate = project.close_gate();
    let first = project.start(["migrate", "up", "all"]);
    project.wait_until_at_gate();
    let holder = runner(&project);
    let mut second = project.start(["migrate", "up", "all"]);
    let said = says(&mut second, WAITING);
    for word in [format!("migrator {holder}@"), "session ".into(), ", since 20".into()] {
        assert!(said.contains(&word), "{word} in {said}");
    }
    assert!(said.contains(&format!("running {} since 20", name(1))), "{said}");
    drop(gate);
    project.finish(first).success();
    assert_eq!(project.finish(second).success().stderr, NOTHING);
    assert_eq!(project.log(), "1up");
    assert_eq!(project.states(), "1 Migrated");
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
        let project = MigratorProject::with_gate();
        project.write_migration(
            &name(1),
            &format!("{}SELECT gate();\n", logs(1, "up")),
            &logs(1, "down"),
        );
        project.write(&format!("branch/{theirs}/up.sql"), logs(1, "branch"));
        let branch = project.path("branch");
        let gate = project.close_gate();
        let first = project.start(["migrate", "up", "all"]);
        project.wait_until_at_gate();
        let mut second = project.start(["-d", branch.to_str().unwrap(), "migrate", "up", "all"]);
        says(&mut second, WAITING);
        drop(gate);
        project.finish(first).success();
        project.finish(second).fails(2, words);
        assert_eq!(project.log(), "1up");
        let events =
            "SELECT string_agg(name || ' ' || state, ' ' ORDER BY id) FROM hectic.migration_event";
        assert_eq!(project.ask(events), format!("{0} Running {0} Migrated", name(1)));
        project.migrator(["validate"]).success();
    }
}

#[test]
fn four_at_once_on_a_fresh_database() {
    let project = MigratorProject::with_gate();
    project.write_logging(12);
    let started: Vec<_> = (0..4).map(|_| project.start(["migrate", "up", "all"])).collect();
    let told: Vec<Outcome> =
        started.into_iter().map(|child| project.finish(child).success()).collect();
    let expected: Vec<String> = (1..=12).map(|number| format!("{number}up")).collect();
    assert_eq!(project.log(), expected.join(" "), "{told:?}");
    let applied = told.iter().filter(|outcome| outcome.stderr.contains("applied")).count();
    assert_eq!(applied, 1, "{told:?}");
}

#[test]
fn four_inits_on_a_fresh_database() {
    let project = MigratorProject::with_gate();
    let started: Vec<_> = (0..4).map(|_| project.start(["init"])).collect();
    for child in started {
        project.finish(child).success();
    }
    project.write_logging(1);
    project.up_all();
    assert_eq!(project.log(), "1up");
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
        (copied.replace("NAME", &name(3)), 2, ["was changed after", "-t3"], "1up 2up"),
        // another migration takes the version meanwhile
        (
            copied.replace("NAME", &format!("{}-theirs", &name(3)[..14])),
            2,
            ["history mismatch", "theirs"],
            "1up 2up",
        ),
        // a person has renamed an applied migration
        (
            "UPDATE hectic.migration_state SET name = version || '-theirs' WHERE version % 100 = 2;".to_owned(),
            2,
            ["history mismatch", "theirs"],
            "1up 2up",
        ),
    ] {
        let project = MigratorProject::with_gate();
        project.write_logging(2);
        project.up_all();
        project.write_logging(3);
        let mut lock = project.hold(LOCK);
        let mut child = project.start(["migrate", "up", "all"]);
        says(&mut child, WAITING);
        lock.say(&change);
        drop(lock);
        let outcome = project.finish(child);
        assert_eq!(outcome.code, Some(code), "{change} {outcome}");
        assert!(words.iter().all(|word| outcome.stderr.contains(word)), "{change} {outcome}");
        assert_eq!(project.log(), log, "{change}");
    }
}

/// The waiting runner continues at the point where the killed one stopped.
#[test]
fn a_runner_killed_while_another_waits() {
    for victim in [Victim::Runner, Victim::Psql, Victim::Session] {
        let project = MigratorProject::with_gate();
        project.write_logging(2);
        project.write_migration(
            &name(1),
            &format!("{}SELECT gate();\n", logs(1, "up")),
            &logs(1, "down"),
        );
        let gate = project.close_gate();
        let first = project.start(["migrate", "up", "all"]);
        project.wait_until_at_gate();
        let found = victim.find(&project);
        let mut second = project.start(["migrate", "up", "all"]);
        says(&mut second, WAITING);
        found.kill(&project);
        drop(gate);
        project.finish(second).success();
        project.finish(first);
        assert_eq!(project.log(), "1up 2up", "{victim:?}");
        assert_eq!(project.states(), "1 Migrated, 2 Migrated", "{victim:?}");
    }
}

#[test]
fn a_limit_of_waiting() {
    let project = MigratorProject::with_gate();
    project.write_migration(&name(1), "SELECT gate();\n", "SELECT 1;\n");
    let gate = project.close_gate();
    let first = project.start(["migrate", "up", "all"]);
    project.wait_until_at_gate();
    let holder = format!("migrator {}@", runner(&project));
    let running = format!("running {} since", name(1));
    let second = project.migrator(["--wait", "1s", "migrate", "up", "all"]);
    second.fails(2, [holder.as_str(), running.as_str(), "--wait"]);
    drop(gate);
    project.finish(first).success();
}

/// No command changes the history beside a running migration.
#[test]
fn changes_of_the_history_wait_or_refuse() {
    let project = MigratorProject::with_gate();
    project.write_logging(2);
    project.write_migration(
        &name(1),
        &format!("{}SELECT gate();\n", logs(1, "up")),
        &logs(1, "down"),
    );
    let gate = project.close_gate();
    let mut first = project.start(["migrate", "up", "1"]);
    project.wait_until_at_gate();
    let holder = format!("migrator {}@", runner(&project));
    let step = name(2);
    project.migrator(["abort"]).fails(2, ["nothing is aborted while", &holder]);
    for arguments in [
        &["repair", "--yes"][..],
        &["repair", "--yes", "--applied", &step],
        &["repair", "--yes", "--reverted", &step],
        &["baseline", &step],
        &["clean", "--yes"],
        &["migrate", "down", "all"],
    ] {
        let words = [&["--wait", "0s"], arguments].concat();
        project.run("migrator", words).fails(2, [&holder]);
    }
    // commands that only read are allowed
    for verb in ["info", "history", "validate", "list"] {
        project.migrator([verb]).success();
    }
    assert!(first.try_wait().unwrap().is_none());
    assert_eq!(project.states(), "1 Running");
    let mut baseline = project.start(["baseline", &step]);
    says(&mut baseline, WAITING);
    drop(gate);
    project.finish(first).success();
    project.finish(baseline).success();
    assert_eq!(
        (project.log(), project.states()),
        ("1up".to_owned(), "1 Migrated, 2 Migrated".to_owned())
    );
    project.migrator(["clean", "--yes"]).success();
    assert_eq!(project.ask("SELECT to_regclass('hectic.migration') IS NULL"), "t");
}

/// No command overwrites the record of a migration that died before `abort` has marked it.
#[test]
fn changes_of_the_history_leave_a_dead_runner_to_abort() {
    let project = MigratorProject::with_gate();
    project.write_migration(
        &name(1),
        "-- migrator: no-transaction\nSELECT gate();\n",
        "SELECT 1;\n",
    );
    let gate = project.close_gate();
    let first = project.start(["migrate", "up", "1"]);
    project.wait_until_at_gate();
    Victim::Everybody.kill(&project);
    drop(gate);
    project.finish(first);
    let step = name(1);
    for arguments in [
        &["repair", "--yes"][..],
        &["repair", "--yes", "--applied", &step],
        &["baseline", &step],
        &["apply"],
    ] {
        project.run("migrator", arguments).fails(2, [step.as_str(), "migrator abort"]);
        assert_eq!(project.states(), "1 Running");
    }
}

/// A concurrent build of an index waits for every snapshot. It must not wait for the migrators that
/// wait for it.
#[test]
fn a_concurrent_build_beside_waiting_migrators() {
    let project = MigratorProject::with_gate();
    project.write_migration(
        &name(1),
        "CREATE TABLE t (x int) INHERITS (hectic.created_at);\n",
        "DROP TABLE t;\n",
    );
    let build = "-- migrator: no-transaction\nCREATE INDEX CONCURRENTLY t_x ON t (x);\n";
    project.write_migration(&name(2), build, "DROP INDEX t_x;\n");
    project.migrator(["migrate", "up", "1"]).success();
    let mut writer = project.session();
    writer.say("BEGIN; INSERT INTO t DEFAULT VALUES;");
    let first = project.start(["migrate", "up", "all"]);
    project.wait_until_building();
    let mut waiting: Vec<Child> = (0..2).map(|_| project.start(["migrate", "up", "all"])).collect();
    for child in &mut waiting {
        says(child, WAITING);
    }
    drop(writer);
    project.finish(first).success();
    for child in waiting {
        assert_eq!(project.finish(child).success().stderr, NOTHING);
    }
    assert_eq!(
        project.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_x'::regclass"),
        "t"
    );
}

/// Sets are independent, but they share the database and one lock. The message to a waiting runner
/// names the migration that runs, not one that once died in another set.
#[test]
fn two_sets() {
    let project = MigratorProject::with_gate();
    project.write_migration(
        &name(1),
        "-- migrator: no-transaction\nSELECT gate();\n",
        "SELECT 1;\n",
    );
    let gate = project.close_gate();
    let dead = project.start(["--migration-set", "dead", "migrate", "up", "all"]);
    project.wait_until_at_gate();
    Victim::Everybody.kill(&project);
    drop(gate);
    project.finish(dead);
    project.write_migration(&name(2), &format!("{}SELECT gate();\n", logs(2, "up")), "SELECT 1;\n");
    std::fs::remove_dir_all(project.path("migration").join(name(1))).unwrap();
    let gate = project.close_gate();
    let first = project.start(["--migration-set", "one", "migrate", "up", "all"]);
    project.wait_until_at_gate();
    let mut second = project.start(["--migration-set", "two", "migrate", "up", "all"]);
    let said = says(&mut second, WAITING);
    assert!(said.contains(&format!("running {}", name(2))), "{said}");
    drop(gate);
    project.finish(first).success();
    project.finish(second).success();
    let states = "SELECT string_agg(migration_set || state, ' ' ORDER BY migration_set) FROM hectic.migration_state";
    assert_eq!(project.ask(states), "deadRunning oneMigrated twoMigrated");
    assert_eq!(project.log(), "2up 2up");
}
