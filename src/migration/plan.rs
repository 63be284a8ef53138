//! Plans the steps of a run from the files, the applied migrations and a goal. Pure.
//!
//! Applied migrations form a stack: each was applied on top of the one before it, and only the
//! topmost can be reverted. Usually the stack is ordered by version. A late migration, applied out
//! of order, breaks this order.
//!
//! The planner first compares both lists: the applied migrations must be the first ones of the
//! files. There are two kinds of divergence. A mismatch is an applied migration whose file is
//! missing or has another name; only a person can resolve it. A late migration is a file with a
//! lower version than the last applied migration.

use std::collections::BTreeSet;

use super::Direction;
use super::name::Name;
use crate::sys::error::{Error, Result};

/// The goal of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Apply this number of migrations.
    Up(Count),
    /// Revert this number of migrations.
    Down(Count),
    /// Apply or revert until this version is the last applied one.
    To(i64),
    /// Apply everything up to this version.
    Until(i64),
    /// Revert everything.
    Zero,
    /// Revert this number of migrations and apply them again.
    Redo(usize),
}

/// A number of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// All that there are.
    All,
    /// At least one.
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

/// An applied migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub name: Name,
    /// A repair accepted that its files are missing.
    pub deleted: bool,
    /// Its down failed before its end, so the only possible step is the down.
    pub half_reverted: bool,
}

/// A step of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub direction: Direction,
    /// The version of the migration.
    pub version: i64,
}

/// A reason why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divergence {
    /// The files and the history differ.
    Mismatch {
        /// The position of the first difference, counted from 1.
        position: usize,
        /// The names of the applied migrations, ordered by version.
        database: Vec<String>,
        /// The names of the files, ordered by version.
        filesystem: Vec<String>,
    },
    /// The plan would apply late migrations.
    Late {
        /// The names of the late migrations.
        names: Vec<String>,
        /// The name of the last applied migration.
        last: String,
    },
    /// The goal is a number of migrations, but no migration is left.
    NothingLeft(Direction),
    /// The goal is the number zero.
    Zero(Direction),
    /// The down of this migration failed before its end.
    HalfReverted(String),
}

/// Makes a plan. `files` are ordered by version, `applied` by application.
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

/// Reverts from the top of the stack until nothing beyond the target is left, and then applies the
/// missing migrations. If a migration below the target had to be reverted on the way, it is applied
/// again.
fn to(stack: &[i64], pending: &[i64], target: i64) -> Vec<Step> {
    let kept = stack.iter().position(|version| *version > target).unwrap_or(stack.len());
    let off = &stack[kept..];
    let again = off.iter().chain(pending).copied().filter(|version| *version <= target);
    let again: BTreeSet<i64> = again.collect();
    [downs(off.iter().rev().copied()), ups(again.into_iter())].concat()
}

/// Accepts the mismatches: the files of an applied migration may be missing, or have another name.
pub fn accept(files: &[Name], mut applied: Vec<Applied>) -> Vec<Applied> {
    for applied in &mut applied {
        match files.iter().find(|file| file.version == applied.name.version) {
            Some(file) => applied.name = file.clone(),
            None => applied.deleted = true,
        }
    }
    applied
}

/// Compares the lists. Returns the late migrations if there is no mismatch.
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

/// Refuses a plan that would apply a late migration on top of a higher version.
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
        // an empty plan would look like success
        _ => Err(Divergence::HalfReverted(half.name.full.clone())),
    }
}

/// Finds the version of the migration that the user names.
///
/// # Errors
/// `Conflict` if several migrations fit, `Missing` if none does.
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
            .hint("or rename it to a version after the last one: other databases then apply it without this option"),
            Divergence::NothingLeft(Direction::Up) => Self::failed("nothing left to apply")
                .hint("`migrate up all` succeeds in this case"),
            Divergence::NothingLeft(Direction::Down) => Self::failed("nothing is applied that could be reverted")
                .hint("`migrate down all` succeeds in this case"),
            Divergence::Zero(direction) => Self::conflict(format!(
                "{} 0 does nothing",
                direction.as_str()
            ))
            .hint("give a number from 1, or all; `migrate to 0` reverts everything"),
            Divergence::HalfReverted(name) => Self::conflict(format!(
                "migration {name} is half reverted: its down failed without a transaction"
            ))
            .hint("correct its down file and run `migrate down 1`")
            .hint("or complete it by hand and record the result: `migrator repair --applied NAME` or `--reverted NAME`"),
        }
    }
}

/// The error for a mismatch: the first difference, then both lists.
fn mismatch(position: usize, database: &[String], filesystem: &[String]) -> Error {
    let at =
        |list: &[String]| list.get(position - 1).cloned().unwrap_or_else(|| "(nothing)".to_owned());
    // late files shift the positions, so look for the file with the same version
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
        .detail(format!("Full database migrations:\n{}", list(database)))
        .detail(format!("Full filesystem migrations:\n{}", list(filesystem)))
        .hint("check out the branch that has the file, or get it back from the history: `migrator fetch`")
        .hint("if the file is gone for good, `migrator repair` records that")
}

#[cfg(test)]
mod tests;
