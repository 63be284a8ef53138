//! A worker: draws commands, runs them one after the other, and judges them.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::judge::judge;
use super::kill::{Kill, Target};
use super::process::{Server, all};
use super::project::{Ground, KINDS, Project};
use super::random::Random;
use super::run::{Outcome, run, wait_until};
use super::tally::Tally;
use super::verb::{After, KEPT, SCRATCH, START, Special, State, Verb};
use crate::failure::{Failure, On, Result};
use crate::program;

/// The share of runs, in percent, that work with the cluster whose rows stay.
const KEPT_SHARE: u64 = 70;
/// The share of runs, in percent, in which somebody is killed. Less often while a cluster recovers,
/// so that soaks do more than recover.
const KILL_SHARE: u64 = 45;
const KILL_SHARE_OF_RECOVERY: u64 = 15;
/// The number of last commands that the worker remembers for a report.
const REMEMBERED: usize = 12;
/// The time in which a server has to stop after its last lease.
const LEASE_LIMIT: Duration = Duration::from_secs(120);
/// The most snapshots of a cluster.
const SNAPSHOTS: usize = 3;

/// A project with what the worker knows of it.
pub(super) struct Site {
    pub(super) project: Project,
    verbs: &'static [Verb],
    state: State,
    snapshots: Vec<String>,
    next_row: u64,
    rows: Vec<u64>,
    patches: u64,
}

/// One of the four.
pub(super) struct Worker<'a> {
    ground: &'a Ground,
    number: usize,
    random: Random,
    history: VecDeque<String>,
    pub(super) tally: Tally,
    pub(super) sites: [Site; 2],
}

impl Site {
    fn new(project: Project, verbs: &'static [Verb]) -> Self {
        let (snapshots, rows) = (Vec::new(), Vec::new());
        Self { project, verbs, state: State::Unknown, snapshots, next_row: 1, rows, patches: 0 }
    }

    /// The query that counts the acknowledged rows, and its expected result. Rows that nobody
    /// acknowledged may be there, too.
    fn count(&self) -> (String, String) {
        let rows: Vec<String> = self.rows.iter().map(u64::to_string).collect();
        let query = format!(
            "SELECT (SELECT count(*) FROM acknowledged WHERE n = ANY ('{{{}}}')), \
             (SELECT count(*) >= {} FROM patched)",
            rows.join(","),
            self.patches
        );
        (query, format!("{}|t", self.rows.len()))
    }
}

impl<'a> Worker<'a> {
    /// Makes the projects and their clusters.
    pub(super) fn new(ground: &'a Ground, number: usize, seed: u64) -> Result<Self> {
        let [kept, scratch] = KINDS;
        let kept = Site::new(ground.project(number, kept)?, KEPT);
        let scratch = Site::new(ground.project(number, scratch)?, SCRATCH);
        let random = Random::new(seed, u64::try_from(number).unwrap_or_default() + 1);
        let (history, tally) = (VecDeque::new(), Tally::default());
        let mut worker = Self { ground, number, random, history, tally, sites: [kept, scratch] };
        let table = "CREATE TABLE acknowledged (n bigint PRIMARY KEY) \
                     INHERITS (hectic.created_at)";
        worker.must(0, &["database", "deploy"])?;
        worker.must(0, &["database", "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-c", table])?;
        worker.must(1, &["database", "deploy"])?;
        worker.must(1, &["database", "backup"])?;
        worker.must(1, &["database", "snapshot", "save", "base"])?;
        for site in 0..worker.sites.len() {
            let url = worker.must(site, &["database", "url"])?.output;
            let host = url.split_once("host=").map_or("", |(_, rest)| rest);
            let host = host.split(['&', '\n']).next().unwrap_or_default();
            if host.starts_with("/tmp/db-tool-") && !host.contains("soak") {
                worker.tally.sockets.push(PathBuf::from(host));
            }
        }
        Ok(worker)
    }

    /// Runs the next `runs` commands, unless another worker has failed.
    pub(super) fn work(&mut self, runs: usize, stop: &AtomicBool) -> Result<()> {
        for _ in 0..runs {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if let Err(failure) = self.step() {
                stop.store(true, Ordering::Relaxed);
                return Err(self.report(&failure));
            }
        }
        Ok(())
    }

    /// Looks for the acknowledged rows, then removes the clusters.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.take_leave().map_err(|failure| self.report(&failure))
    }

    fn take_leave(&mut self) -> Result<()> {
        for site in 0..self.sites.len() {
            self.must(site, START.words)?;
        }
        let (query, expected) = self.sites[0].count();
        let found = self.must(0, &["database", "psql", "-XqAt", "-c", &query])?.output;
        if found.trim_end() != expected {
            return Err(Failure::new(format!("lost rows: {found}, expected {expected}")));
        }
        let site = &self.sites[0];
        self.tally.found = u64::try_from(site.rows.len()).unwrap_or_default() + site.patches;
        for site in 0..self.sites.len() {
            let slots = "SELECT count(*) FROM pg_replication_slots";
            let slots = self.must(site, &["database", "psql", "-XqAt", "-c", slots])?.output;
            if slots.trim_end() != "0" {
                return Err(Failure::new(format!("replication slots were left: {slots}")));
            }
            // a backup removes what a killed one has left in its place
            self.must(site, &["database", "backup"])?;
            self.must(site, &["database", "cleanup"])?;
        }
        Ok(())
    }

    /// Runs a command that has to succeed.
    fn must(&mut self, site: usize, words: &[&str]) -> Result<Outcome> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let outcome = self.start(site, &words, None)?;
        if outcome.status.success() {
            return Ok(outcome);
        }
        let failure = format!("{} failed: {}", words.join(" "), outcome.end());
        Err(self.report(&Failure::new(failure)))
    }

    /// Draws a command and runs it.
    fn step(&mut self) -> Result<()> {
        let site = usize::from(!self.random.chance(KEPT_SHARE));
        let (verbs, state) = (self.sites[site].verbs, self.sites[site].state);
        let drawn = self.random.pick(verbs, |verb| verb.weight(state)).unwrap_or(&START);
        let snapshots = self.sites[site].snapshots.len();
        let verb = match drawn.special {
            Special::Save if snapshots >= SNAPSHOTS => &START,
            Special::Remove if snapshots == 0 => &START,
            _ => drawn,
        };
        let is_recovery = state == State::Unknown && verb.after == After::Up;
        let share = if is_recovery { KILL_SHARE_OF_RECOVERY } else { KILL_SHARE };
        let kills = self.random.chance(share);
        let kill = Kill::draw(&mut self.random, verb.usual()).filter(|_| kills);
        self.perform(site, verb, kill)
    }

    fn perform(&mut self, site: usize, verb: &Verb, kill: Option<Kill>) -> Result<()> {
        let mut words: Vec<String> = verb.words.iter().map(|word| (*word).to_owned()).collect();
        let place = &mut self.sites[site];
        let row = place.next_row;
        let mut holder = None;
        match verb.special {
            Special::No | Special::Patch => {}
            Special::Insert => {
                place.next_row += 1;
                words.push(format!("INSERT INTO acknowledged (n) VALUES ({row})"));
            }
            Special::Count => words.push(place.count().0),
            Special::Save => words.push(format!("s{}", self.tally.runs)),
            Special::Remove => words.extend(place.snapshots.pop()),
            Special::Lease => {
                let mut sleep = program::new("sleep");
                let child = sleep.arg("600").stdout(Stdio::null()).spawn();
                let child = child.map_err(|error| program::cannot_start(&sleep, &error))?;
                words.push(child.id().to_string());
                holder = Some(child);
            }
        }
        let outcome = self.start(site, &words, kill);
        let released = holder.map_or(Ok(()), release);
        let outcome = outcome?;
        released?;
        self.tally.runs += 1;
        *self.tally.verbs.entry(named(verb)).or_default() += 1;
        if let Some(victim) = outcome.hit {
            *self.tally.kills.entry(victim).or_default() += 1;
        }
        judge(verb, self.sites[site].state, &outcome)?;
        self.learn(site, verb, &words, row, &outcome)
    }

    /// Draws conclusions from a command that has ended as it may.
    fn learn(
        &mut self,
        site: usize,
        verb: &Verb,
        words: &[String],
        row: u64,
        outcome: &Outcome,
    ) -> Result<()> {
        let site = &mut self.sites[site];
        let is_done = outcome.status.success();
        match verb.special {
            Special::Insert if is_done => {
                site.rows.push(row);
                self.tally.acknowledged += 1;
            }
            Special::Patch if is_done => {
                site.patches += 1;
                self.tally.acknowledged += 1;
            }
            Special::Save if is_done => site.snapshots.extend(words.last().cloned()),
            Special::Count if is_done && outcome.output.trim_end() != site.count().1 => {
                let expected = site.count().1;
                let found = &outcome.output;
                return Err(Failure::new(format!("lost rows: {found}, expected {expected}")));
            }
            _ => {}
        }
        if outcome.hit.is_some() {
            site.state = State::Unknown;
        }
        // one that was refused has changed nothing, except that there may be nothing to clean up
        if site.state == State::Unknown && !is_done && !verb.words.contains(&"cleanup")
            || outcome.hit.is_some()
        {
            return Ok(());
        }
        let is_leased = verb.special == Special::Lease || verb.words.contains(&"run");
        match verb.after {
            After::Up => site.state = State::Up,
            After::Down => site.state = State::Down,
            After::Same if is_leased && site.state == State::Down => {
                let data = site.project.data();
                if !wait_until(LEASE_LIMIT, || Server::of(&all(), &data).is_none()) {
                    return Err(Failure::new("the server has outlived its last lease"));
                }
            }
            After::Same => {}
        }
        Ok(())
    }

    /// Runs a command and remembers it.
    fn start(&mut self, site: usize, words: &[String], kill: Option<Kill>) -> Result<Outcome> {
        let project = &self.sites[site].project;
        let [name, arguments @ ..] = words else {
            return Err(Failure::new("a command without words"));
        };
        let mut command = self.ground.tool(project, name);
        command.args(arguments);
        let output = project.directory.join("output");
        let data = project.data();
        let target = Target { ground: self.ground.path(), data: &data };
        let outcome = run(&mut command, kill, &output, &target);
        let line: String = words.join(" ").chars().take(300).collect();
        let told = match &outcome {
            Ok(outcome) => {
                let hit = outcome.hit.map(|victim| format!(", {} killed", victim.name()));
                let (hit, took) = (hit.unwrap_or_default(), outcome.took.as_millis());
                format!("{}{hit}, {took} ms\n{}", outcome.end(), outcome.output)
            }
            Err(failure) => failure.to_string(),
        };
        let after = kill.map(|kill| format!(" [{} after {:?}]", kill.victim.name(), kill.after));
        let place = project.directory.file_name().unwrap_or_default().to_string_lossy();
        let after = after.unwrap_or_default();
        let entry = format!("{place}$ {line}{after}\n{}", told.trim_end());
        note(&project.directory.join("commands.log"), &entry)?;
        self.history.push_back(entry);
        if self.history.len() > REMEMBERED {
            self.history.pop_front();
        }
        outcome
    }

    /// The failure together with the last commands.
    fn report(&self, failure: &Failure) -> Failure {
        let history: Vec<&str> = self.history.iter().map(String::as_str).collect();
        Failure::new(format!(
            "worker {}, after {} runs, in {}:\n\n{}\n\nFAILED: {failure}",
            self.number,
            self.tally.runs,
            self.sites[0].project.directory.display(),
            history.join("\n")
        ))
    }
}

/// Adds a command to the file in which a person reads what happened.
fn note(log: &Path, entry: &str) -> Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(log).on("write", log)?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = time.as_millis();
    writeln!(file, "[ended {time}] {entry}").on("write", log)
}

/// Ends the holder of a lease in a way that it cannot notice.
fn release(mut holder: Child) -> Result<()> {
    let ended = holder.kill().and_then(|()| holder.wait());
    ended.map(drop).map_err(|error| Failure::new(format!("cannot end a process: {error}")))
}

/// The verb's name in the summary.
fn named(verb: &Verb) -> String {
    let mut words = verb.words.iter().filter(|word| !word.starts_with("-X"));
    let first = words.next().copied().unwrap_or_default();
    let rest: Vec<&str> =
        words.copied().take_while(|word| *word != "-v" && *word != "--").collect();
    match first {
        "database" => rest.join(" "),
        "migrator" => rest.join(" "),
        _ => first.to_owned(),
    }
}
