//! What to do: two lists and a goal in, steps out. Pure.
//!
//! What is applied is a stack: each migration was put on top of the one before it, and what comes
//! off is what was put on last. Mostly that is the order of versions; a late file from a merged
//! branch, applied out of order, is the exception.
//!
//! Before anything is planned, both lists must agree: what is applied has to be the beginning of
//! what is on disk. Where they do not, one of three things is true. A migration is applied whose
//! file is gone or has another name: a mismatch, which nobody can resolve but a person. Or there is
//! a file with a version before the last that is applied: it is late.

use std::collections::BTreeSet;

use super::Direction;
use super::name::Name;
use crate::sys::error::{Error, Result};

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// So many forward.
    Up(Count),
    /// So many back.
    Down(Count),
    /// Forward or back until this version is the last that is applied.
    To(i64),
    /// Forward until this version is applied.
    Until(i64),
    /// Everything back.
    Zero,
    /// So many back and forward again.
    Redo(usize),
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// As many as there are.
    All,
    /// This many, at least one.
    Number(usize),
}

impl Count {
    fn limit(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Number(number) => number,
        }
    }
}

/// A migration that is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its name.
    pub name: Name,
    /// Its absence on disk was excused by a repair.
    pub deleted: bool,
    /// Its way back has failed on the way: only back is open.
    pub half_reverted: bool,
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The way.
    pub direction: Direction,
    /// Which migration.
    pub version: i64,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divergence {
    /// The lists differ at this position, counted from 1: both lists, whole.
    Mismatch {
        /// Counted from 1.
        position: usize,
        /// What is applied, in the order of versions.
        database: Vec<String>,
        /// What is on disk, likewise.
        filesystem: Vec<String>,
    },
    /// Files with versions before the last that is applied, and that last one.
    Late {
        /// The files.
        names: Vec<String>,
        /// The last that is applied.
        last: String,
    },
    /// There is nothing to do, and a number was asked for.
    NothingLeft(Direction),
    /// A number of zero.
    Zero(Direction),
    /// The way back of this one has failed on the way.
    HalfReverted(String),
}

/// Decides what to do. `files` in the order of versions, `applied` in the order of application.
pub fn plan(
    files: &[Name],
    applied: &[Applied],
    goal: Goal,
    out_of_order: bool,
) -> Result<Vec<Step>, Divergence> {
    let late = compare(files, applied)?;
    let done: BTreeSet<i64> = applied.iter().map(|applied| applied.name.version).collect();
    let pending = files.iter().filter(|name| !done.contains(&name.version));
    let pending: Vec<i64> = pending.map(|name| name.version).collect();
    let stack: Vec<i64> = applied.iter().map(|applied| applied.name.version).collect();
    let steps = match goal {
        Goal::Up(Count::Number(0)) => return Err(Divergence::Zero(Direction::Up)),
        Goal::Down(Count::Number(0)) | Goal::Redo(0) => {
            return Err(Divergence::Zero(Direction::Down));
        }
        Goal::Up(count) => ups(pending.iter().copied().take(count.limit())),
        Goal::Down(count) => downs(stack.iter().rev().copied().take(count.limit())),
        Goal::Zero => downs(stack.iter().rev().copied()),
        Goal::Until(target) => ups(pending.iter().copied().filter(|version| *version <= target)),
        Goal::To(target) => to(&stack, &pending, target),
        Goal::Redo(number) => {
            let top = &stack[stack.len().saturating_sub(number)..];
            let again = top.iter().copied();
            [downs(again.clone().rev()), ups(again)].concat()
        }
    };
    if steps.is_empty()
        && let Goal::Up(Count::Number(_)) | Goal::Down(Count::Number(_)) | Goal::Redo(_) = goal
    {
        let up = matches!(goal, Goal::Up(_));
        return Err(Divergence::NothingLeft(if up { Direction::Up } else { Direction::Down }));
    }
    refuse_late(&late, &steps, applied, out_of_order)?;
    refuse_half_reverted(&steps, applied)?;
    Ok(steps)
}

fn ups(versions: impl Iterator<Item = i64>) -> Vec<Step> {
    versions.map(|version| Step { direction: Direction::Up, version }).collect()
}

fn downs(versions: impl Iterator<Item = i64>) -> Vec<Step> {
    versions.map(|version| Step { direction: Direction::Down, version }).collect()
}

/// Takes off the stack until nothing beyond the target is left, then puts on what is missing. What
/// came off on the way although it belongs there goes on again.
fn to(stack: &[i64], pending: &[i64], target: i64) -> Vec<Step> {
    let kept = stack.iter().position(|version| *version > target).unwrap_or(stack.len());
    let off = &stack[kept..];
    let again = off.iter().chain(pending).copied().filter(|version| *version <= target);
    let again: BTreeSet<i64> = again.collect();
    [downs(off.iter().rev().copied()), ups(again.into_iter())].concat()
}

/// The late files, if that is all that is odd.
fn compare(files: &[Name], applied: &[Applied]) -> Result<Vec<Name>, Divergence> {
    let mut sorted: Vec<&Applied> = applied.iter().collect();
    sorted.sort_by_key(|applied| applied.name.version);
    let mismatch = |position: usize| Divergence::Mismatch {
        position: position + 1,
        database: sorted.iter().map(|applied| applied.name.full.clone()).collect(),
        filesystem: files.iter().map(|name| name.full.clone()).collect(),
    };
    let mut late = Vec::new();
    let mut files_left = files.iter().peekable();
    for (position, applied) in sorted.iter().enumerate() {
        while let Some(file) = files_left.next_if(|file| file.version < applied.name.version) {
            late.push(file.clone());
        }
        match files_left.next_if(|file| file.version == applied.name.version) {
            Some(file) if file.full == applied.name.full => {}
            None if applied.deleted => {}
            _ => return Err(mismatch(position)),
        }
    }
    Ok(late)
}

/// A late file stands in the way of a plan that would apply it after a later one.
fn refuse_late(
    late: &[Name],
    steps: &[Step],
    applied: &[Applied],
    out_of_order: bool,
) -> Result<(), Divergence> {
    if out_of_order {
        return Ok(());
    }
    let mut stack: Vec<&Name> = applied.iter().map(|applied| &applied.name).collect();
    let mut wrong = Vec::new();
    let mut last = None;
    for step in steps {
        match step.direction {
            Direction::Down => stack.retain(|name| name.version != step.version),
            Direction::Up => {
                let Some(name) = late.iter().find(|name| name.version == step.version) else {
                    continue;
                };
                if let Some(later) = stack.iter().filter(|on| on.version > name.version).max() {
                    wrong.push(name.full.clone());
                    last = last.max(Some(*later));
                }
            }
        }
    }
    match last {
        None => Ok(()),
        Some(last) => Err(Divergence::Late { names: wrong, last: last.full.clone() }),
    }
}

fn refuse_half_reverted(steps: &[Step], applied: &[Applied]) -> Result<(), Divergence> {
    let Some(half) = applied.iter().find(|applied| applied.half_reverted) else { return Ok(()) };
    match steps.first() {
        Some(first) if first.direction == Direction::Down => Ok(()),
        // to do nothing would be to say that all is well
        _ => Err(Divergence::HalfReverted(half.name.full.clone())),
    }
}

/// The version that a person names.
///
/// # Errors
/// `Conflict` when several migrations are called that, `Missing` when none is.
pub fn resolve(files: &[Name], text: &str) -> Result<i64> {
    let exact: Vec<&Name> = files.iter().filter(|name| name.full == text).collect();
    let called: Vec<&Name> = match exact.is_empty() {
        true => files.iter().filter(|name| name.is_called(text)).collect(),
        false => exact,
    };
    match called.as_slice() {
        [name] => Ok(name.version),
        [] => {
            let error = Error::missing(format!("there is no migration called \"{text}\""));
            Err(match files.last() {
                None => error.hint("the migration directory is empty"),
                Some(last) => error.hint(format!("`migrator list` shows them; the last is {last}")),
            })
        }
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.full.as_str()).collect();
            Err(Error::conflict(format!("\"{text}\" could be {}", names.join(" or ")))
                .hint("name it with its version"))
        }
    }
}

impl From<Divergence> for Error {
    fn from(divergence: Divergence) -> Self {
        match divergence {
            Divergence::Mismatch { position, database, filesystem } => {
                mismatch(position, &database, &filesystem)
            }
            Divergence::Late { names, last } => Self::conflict(format!(
                "{} came late: {last} is applied already",
                names.join(", ")
            ))
            .detail("A branch was merged after a later migration had been applied.")
            .hint("--out-of-order applies it now, after the later ones")
            .hint("or give it a version after the last by renaming it: that is what everybody else's database expects"),
            Divergence::NothingLeft(Direction::Up) => Self::failed("nothing left to apply")
                .hint("`migrate up all` is content with that"),
            Divergence::NothingLeft(Direction::Down) => Self::failed("nothing is applied that could be reverted")
                .hint("`migrate down all` is content with that"),
            Divergence::Zero(direction) => Self::conflict(format!(
                "{} 0 asks for nothing",
                direction.as_str()
            ))
            .hint("give a number from 1, or all; `migrate to 0` reverts everything"),
            Divergence::HalfReverted(name) => Self::conflict(format!(
                "migration {name} is half reverted: its down failed without a transaction"
            ))
            .hint("mend its down file and run `migrate down 1`")
            .hint("or put things right by hand and tell so: `migrator repair --applied NAME` or `--reverted NAME`"),
        }
    }
}

/// The first difference, then both lists.
fn mismatch(position: usize, database: &[String], filesystem: &[String]) -> Error {
    let at =
        |list: &[String]| list.get(position - 1).cloned().unwrap_or_else(|| "(nothing)".to_owned());
    // late files shift the positions; what belongs to the applied one is what counts
    let there = at(database);
    let version =
        |name: &str| name.trim_start_matches('V').split(['-', '_']).next().map(str::to_owned);
    let same = filesystem.iter().find(|name| version(name) == version(&there));
    let here = same.cloned().unwrap_or_else(|| at(filesystem));
    let list = |names: &[String]| match names.is_empty() {
        true => "  (none)".to_owned(),
        false => names.iter().map(|name| format!("  {name}")).collect::<Vec<_>>().join("\n"),
    };
    Error::conflict(format!("Migration history mismatch at position {position}"))
        .detail(format!("Database has:   {there}"))
        .detail(format!("Filesystem has: {here}"))
        .detail(format!("All in the database:\n{}", list(database)))
        .detail(format!("All in the filesystem:\n{}", list(filesystem)))
        .hint("check out the branch that has the file, or get it back from the history: `migrator fetch`")
        .hint("if the file is gone for good, `migrator repair` excuses it")
}

#[cfg(test)]
mod tests;
