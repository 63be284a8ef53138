//! `migrator verify`: proof that each migration can be undone.
//!
//! This happens in a private cluster with the bundle and, on request, the project's sources. For every migration, the
//! migrator runs up, down, up. After the down, the schema must be the same as before the up; after
//! the second up, the same as after the first. Schemas are compared as in `database diff`. A
//! migration that fails the proof must not spoil the proof of the next one: the cluster then goes
//! back to a state in which only ups ran.

use std::time::Duration;

use serde::Serialize;

use crate::command::content::{Content, Progress};
use crate::compare::drift;
use crate::compare::drift::{Class, Difference, Roles};
use crate::compare::facts;
use crate::compare::facts::Facts;
use crate::environment::private;
use crate::environment::private::PrivateCluster;
use crate::migration::Direction;
use crate::migration::directory::Directory;
use crate::migration::name::Name;
use crate::migration::plan::Step;
use crate::migration::preflight::{Preflight, Prepared};
use crate::migration::project::RunOptions;
use crate::migration::runner::{Place, Runner};
use crate::postgres::connection::conninfo::Conninfo;
use crate::postgres::connection::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::sys::error::{Error, Kind, Result};
use crate::sys::steps::Steps;

/// The arguments of `verify`.
pub struct Verify<'a> {
    /// The migrations.
    pub project: &'a RunOptions,
    /// The cluster.
    pub private: private::PrivateClusterSpec,
    /// The programs.
    pub toolchain: Toolchain,
    /// The sources that run before the first migration.
    pub content: Option<Content>,
    /// Settings of the server for migrations.
    pub settings: Vec<(&'static str, String)>,
}

/// The result for one migration.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// Whether the migration can be undone and done again.
    pub reversible: bool,
    /// Differences between the schema before the up and after the down: `before → after`.
    pub after_down: Vec<String>,
    /// Differences between the schema after the first up and after the second.
    pub after_up_again: Vec<String>,
    /// Differences of no consequence, such as the order of columns, which PostgreSQL cannot restore.
    pub notes: Vec<String>,
    /// The reason why the migration could not be tried.
    pub error: Option<String>,
}

/// The longest wait for a lock, which no other session holds here.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

impl Verify<'_> {
    /// Proves each migration in turn, and calls `on_verdict` with each result.
    ///
    /// `Migration` (exit 4) if an up fails after other ups only, so that the later migrations
    /// cannot be tried. A migration that fails the proof is no error here.
    pub fn run(&self, on_verdict: &mut dyn FnMut(&Verdict)) -> Result<Vec<Verdict>> {
        let directory = self.project.read_directory()?;
        let steps = preflight(self.project, &directory)?;
        let mut told = 0;
        self.private.places.attempt(|| {
            let mut at = 0;
            // a second attempt comes to the same verdicts again
            self.attempt(&steps, &mut |verdict| {
                at += 1;
                if at > told {
                    told = at;
                    on_verdict(verdict);
                }
            })
        })
    }

    fn attempt(
        &self,
        steps: &[Pair],
        on_verdict: &mut dyn FnMut(&Verdict),
    ) -> Result<Vec<Verdict>> {
        let cluster = self.start()?;
        cluster.use_up(|cluster| {
            let mut verdicts = Vec::new();
            let mut saved = 0;
            loop {
                let conninfo = self.conninfo(cluster)?;
                if self.prove(&conninfo, steps, &mut verdicts, on_verdict)? {
                    return Ok(verdicts);
                }
                self.renew(cluster, &mut saved, &steps[..verdicts.len()])?;
            }
        })
    }

    /// Starts a private cluster, and hydrates its database on request.
    fn start(&self) -> Result<PrivateCluster> {
        let Some(content) = &self.content else { return self.private.start(&self.toolchain) };
        let states = content.states(&self.private.foundation(&self.toolchain));
        let (cluster, reached) = self.private.start_with(&self.toolchain, &states)?;
        let from = Progress::of(&states, reached.as_ref());
        let hydrate = |cluster: &PrivateCluster| {
            let conninfo = cluster.conninfo()?;
            let mut steps = Steps::default();
            content.apply(&self.toolchain, &conninfo, from, &mut |_| Ok(()), &mut steps)
        };
        match hydrate(&cluster) {
            Ok(()) => Ok(cluster),
            Err(error) => {
                let error = cluster.running().with_log(error);
                Err(cluster.failed(error))
            }
        }
    }

    fn conninfo(&self, cluster: &PrivateCluster) -> Result<Conninfo> {
        let settings: Vec<_> = self.settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Ok(cluster.conninfo()?.with_settings("migrator verify", &settings))
    }

    /// Continues after the last verdict. Returns false if the cluster must be renewed before the
    /// next migration.
    fn prove(
        &self,
        conninfo: &Conninfo,
        steps: &[Pair],
        verdicts: &mut Vec<Verdict>,
        on_verdict: &mut dyn FnMut(&Verdict),
    ) -> Result<bool> {
        let mut proof = Proof::begin(self.place(conninfo), &steps[..verdicts.len()])?;
        let mut before = Facts::read(&mut proof.session)?;
        while let Some(pair) = steps.get(verdicts.len()) {
            let (verdict, after) = match proof.try_one(pair, &before)? {
                Outcome::Tried(verdict, after) => (verdict, after),
                Outcome::Untried => return Ok(false),
            };
            on_verdict(&verdict);
            verdicts.push(verdict);
            match after {
                Some(after) => before = after,
                None => return Ok(verdicts.len() == steps.len()),
            }
        }
        Ok(true)
    }

    /// Brings the cluster to the state in which exactly these ups are applied. Applies the ups
    /// since the last such state once more, and saves the result. All proofs together apply each up
    /// three times.
    fn renew(&self, cluster: &mut PrivateCluster, saved: &mut usize, ups: &[Pair]) -> Result<()> {
        match *saved {
            0 => {
                let fresh = self.start()?;
                std::mem::replace(cluster, fresh).remove()?;
            }
            _ => cluster.go_back()?,
        }
        if *saved == ups.len() {
            return Ok(());
        }
        let conninfo = self.conninfo(cluster)?;
        let mut proof = Proof::begin(self.place(&conninfo), &ups[..*saved])?;
        for pair in &ups[*saved..] {
            proof.advance(&pair.up)?;
        }
        drop(proof);
        *saved = ups.len();
        cluster.save()
    }

    fn place<'a>(&'a self, conninfo: &'a Conninfo) -> Place<'a> {
        Place {
            toolchain: &self.toolchain,
            conninfo,
            directory: &self.project.directory,
            base: &self.project.base,
            scratch: &self.project.scratch,
            set: &self.project.set,
            actor: &self.project.actor,
            variables: &self.project.variables,
        }
    }
}

/// The up and the down of a migration.
struct Pair {
    name: Name,
    up: Prepared,
    down: Option<Prepared>,
}

fn preflight(project: &RunOptions, directory: &Directory) -> Result<Vec<Pair>> {
    let preflight = Preflight { directory, base: &project.base, variables: &project.variables };
    let prepare = |version, direction| {
        let mut prepared = preflight.prepare(&[Step { direction, version }], &[])?;
        prepared.pop().ok_or_else(|| Error::unexpected("a step was not prepared"))
    };
    let pair = |name: Name| {
        let has_down = directory.find(name.version).is_some_and(|m| m.down.is_some());
        let down = has_down.then(|| prepare(name.version, Direction::Down)).transpose()?;
        Ok(Pair { up: prepare(name.version, Direction::Up)?, down, name })
    };
    directory.names().into_iter().map(pair).collect()
}

/// The result of trying one migration.
enum Outcome {
    /// The verdict, and the schema with the migration applied. `None` if the schema differs from
    /// the one that ups alone would have made.
    Tried(Verdict, Option<Facts>),
    /// The up failed the first time, perhaps because of the effects of an earlier down.
    Untried,
}

struct Proof<'a> {
    place: Place<'a>,
    session: Session,
    /// `None` after a failure, because the failure ends psql.
    runner: Option<Runner<'a>>,
    stack: Vec<i64>,
    /// Whether only ups ran so far.
    is_pure: bool,
}

impl<'a> Proof<'a> {
    /// Begins in a database in which these ups are applied.
    fn begin(place: Place<'a>, applied: &[Pair]) -> Result<Self> {
        let stack = applied.iter().map(|pair| pair.name.version).collect();
        let session = Session::connect(place.conninfo)?;
        Ok(Self { place, session, runner: None, stack, is_pure: true })
    }

    fn try_one(&mut self, pair: &Pair, before: &Facts) -> Result<Outcome> {
        match self.advance(&pair.up) {
            Err(error) if error.kind() == Kind::Migration && !self.is_pure => {
                return Ok(Outcome::Untried);
            }
            done => done?,
        }
        let after = Facts::read(&mut self.session)?;
        let mut verdict = Verdict {
            version: pair.name.version,
            name: pair.name.full.clone(),
            reversible: false,
            after_down: Vec::new(),
            after_up_again: Vec::new(),
            notes: Vec::new(),
            error: None,
        };
        let Some(down) = &pair.down else {
            verdict.error = Some("it has no down file".to_owned());
            return Ok(Outcome::Tried(verdict, Some(after)));
        };
        self.is_pure = false;
        if let Err(error) = self.advance(down) {
            verdict.error = Some(only_failed(error)?);
            // without a transaction, a part of it was done
            return Ok(Outcome::Tried(verdict, down.transactional.then_some(after)));
        }
        verdict.after_down = self.differences(before, &mut verdict.notes)?.0;
        // the up often fails because of objects that the down left, so both are reported
        if let Err(error) = self.advance(&pair.up) {
            verdict.error = Some(only_failed(error.context("after its down"))?);
            return Ok(Outcome::Tried(verdict, None));
        }
        let (differences, again) = self.differences(&after, &mut verdict.notes)?;
        let is_same = differences.is_empty();
        verdict.after_up_again = differences;
        verdict.notes.dedup();
        verdict.reversible = verdict.after_down.is_empty() && is_same;
        Ok(Outcome::Tried(verdict, is_same.then_some(again)))
    }

    /// The differences from `before` to the present schema, and that schema. Differences that do
    /// not count in `database diff` go to the notes.
    fn differences(
        &mut self,
        before: &Facts,
        notes: &mut Vec<String>,
    ) -> Result<(Vec<String>, Facts)> {
        let mut now = Facts::read(&mut self.session)?;
        facts::respell(&mut now, before, || Session::connect(self.place.conninfo))?;
        let found = drift::compare(before, &now, &Roles::default());
        let counts = |difference: &Difference| Class::DEFAULT.contains(&difference.class);
        let (real, others): (Vec<_>, Vec<_>) = found.into_iter().partition(counts);
        notes.extend(others.iter().map(ToString::to_string));
        Ok((real.iter().map(ToString::to_string).collect(), now))
    }

    fn advance(&mut self, step: &Prepared) -> Result<()> {
        let mut runner = match self.runner.take() {
            Some(runner) => runner,
            None => Runner::start(self.place, &mut self.session, LOCK_LIMIT)?,
        };
        runner.advance(step, &mut self.stack, &mut self.session)?;
        self.runner = Some(runner);
        Ok(())
    }
}

/// A failure of the down or the second up is a verdict; all other errors stay errors.
fn only_failed(error: Error) -> Result<String> {
    match error.kind() {
        Kind::Migration => Ok([&[error.message().to_owned()], error.details()].concat().join("\n")),
        _ => Err(error),
    }
}
