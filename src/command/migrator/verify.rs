//! `migrator verify`: proof that each migration can be undone.
//!
//! In a private cluster that is gone afterwards, with the bundle and nothing else: for every
//! migration, up, down, up. After the down the schema has to be what it was before, after the second
//! up what it was after the first. The schema is read as facts from the catalogs, so that what is
//! equal is equal, however it came about.

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::facts::{Change, Facts, What, changes};
use crate::migration::Direction;
use crate::migration::directory::Directory;
use crate::migration::name::Name;
use crate::migration::plan::Step;
use crate::migration::preflight::{Ground, Prepared};
use crate::migration::project::Project;
use crate::migration::runner::{Place, Runner};
use crate::postgres::conninfo::Conninfo;
use crate::postgres::session::Session;
use crate::postgres::toolchain::Toolchain;
use crate::private;

/// What to prove, and where.
pub struct Verify<'a> {
    /// The migrations.
    pub project: &'a Project,
    /// The cluster.
    pub private: private::Wanted,
    /// The programs.
    pub toolchain: Toolchain,
    /// Settings of the server for migrations.
    pub settings: Vec<(&'static str, String)>,
}

/// What came of one migration.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The version.
    pub version: i64,
    /// The name.
    pub name: String,
    /// Whether it can be undone and done again.
    pub reversible: bool,
    /// What differs after the down: `before → after`.
    pub after_down: Vec<String>,
    /// What differs after the second up.
    pub after_up_again: Vec<String>,
    /// Differences of no consequence: the order of columns, which PostgreSQL cannot restore.
    pub notes: Vec<String>,
    /// Why it could not be tried.
    pub error: Option<String>,
}

impl Verify<'_> {
    /// Proves each migration in turn; `on_verdict` hears of each.
    ///
    /// # Errors
    /// `Migration` (exit 4) when an up fails the first time, so that nothing after it can be tried. A
    /// migration that does not stand the proof is no error here.
    pub fn run(&self, on_verdict: &mut dyn FnMut(&Verdict)) -> Result<Vec<Verdict>> {
        let directory = self.project.read_directory()?;
        let steps = preflight(self.project, &directory)?;
        let cluster = self.private.clone().start(&self.toolchain)?;
        cluster.use_up(|cluster| {
            let settings: Vec<_> = self.settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let conninfo = cluster.conninfo()?.with_settings("migrator verify", &settings);
            self.prove(&conninfo, &steps, on_verdict)
        })
    }

    fn prove(
        &self,
        conninfo: &Conninfo,
        steps: &[Pair],
        on_verdict: &mut dyn FnMut(&Verdict),
    ) -> Result<Vec<Verdict>> {
        let mut proof = Proof {
            place: self.place(conninfo),
            session: Session::connect(conninfo)?,
            runner: None,
            stack: Vec::new(),
        };
        let mut before = Facts::read(&mut proof.session)?;
        let mut verdicts = Vec::new();
        for pair in steps {
            let (verdict, after) = proof.try_one(pair, &before)?;
            on_verdict(&verdict);
            verdicts.push(verdict);
            let Some(after) = after else {
                let untried = steps.len() - verdicts.len();
                tracing::warn!(
                    "{} is not there any more; not tried after it: {untried}",
                    pair.name
                );
                break;
            };
            before = after;
        }
        Ok(verdicts)
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

/// A migration's two ways.
struct Pair {
    name: Name,
    up: Prepared,
    down: Option<Prepared>,
}

fn preflight(project: &Project, directory: &Directory) -> Result<Vec<Pair>> {
    let ground = Ground { directory, base: &project.base, variables: &project.variables };
    let prepare = |version, direction| {
        let mut prepared = ground.prepare(&[Step { direction, version }], &[])?;
        prepared.pop().ok_or_else(|| Error::unexpected("a step was not prepared"))
    };
    let pair = |name: Name| {
        let has_down = directory.find(name.version).is_some_and(|m| m.down.is_some());
        let down = has_down.then(|| prepare(name.version, Direction::Down)).transpose()?;
        Ok(Pair { up: prepare(name.version, Direction::Up)?, down, name })
    };
    directory.names().into_iter().map(pair).collect()
}

struct Proof<'a> {
    place: Place<'a>,
    session: Session,
    /// None after a failure, which ends psql.
    runner: Option<Runner<'a>>,
    stack: Vec<i64>,
}

impl Proof<'_> {
    /// Returns the verdict and the schema with the migration applied; `None` when it cannot be
    /// applied again, so that nothing can be tried on top of it.
    fn try_one(&mut self, pair: &Pair, before: &Facts) -> Result<(Verdict, Option<Facts>)> {
        self.advance(&pair.up)?;
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
            return Ok((verdict, Some(after)));
        };
        if let Err(error) = self.advance(down) {
            verdict.error = Some(only_failed(error)?);
            return Ok((verdict, Some(after)));
        }
        let reverted = Facts::read(&mut self.session)?;
        verdict.after_down = self::sort(changes(before, &reverted), &mut verdict.notes);
        // what the down left is often what the up now stumbles over: both are told
        if let Err(error) = self.advance(&pair.up) {
            verdict.error = Some(only_failed(error.context("after its down"))?);
            return Ok((verdict, None));
        }
        let again = Facts::read(&mut self.session)?;
        verdict.after_up_again = self::sort(changes(&after, &again), &mut verdict.notes);
        verdict.notes.dedup();
        verdict.reversible = verdict.after_down.is_empty() && verdict.after_up_again.is_empty();
        Ok((verdict, Some(again)))
    }

    fn advance(&mut self, step: &Prepared) -> Result<()> {
        let mut runner = match self.runner.take() {
            Some(runner) => runner,
            None => {
                Runner::start(self.place, &mut self.session, std::time::Duration::from_secs(10))?
            }
        };
        runner.advance(step, &mut self.stack, &mut self.session)?;
        self.runner = Some(runner);
        Ok(())
    }
}

/// A way back, or forward again, that fails is a verdict; all else is an error.
fn only_failed(error: Error) -> Result<String> {
    match error.kind() {
        Kind::Migration => Ok([&[error.message().to_owned()], error.details()].concat().join("\n")),
        _ => Err(error),
    }
}

/// The differences that count; the rest goes to the notes.
fn sort(found: Vec<Change>, notes: &mut Vec<String>) -> Vec<String> {
    let (cosmetic, real): (Vec<Change>, Vec<Change>) = found.into_iter().partition(is_position);
    notes.extend(cosmetic.iter().map(ToString::to_string));
    real.iter().map(ToString::to_string).collect()
}

/// Whether only a column's place changed: what a dropped and added column cannot get back.
fn is_position(change: &Change) -> bool {
    matches!(&change.what, What::Changed { property, .. } if property == "position")
}
