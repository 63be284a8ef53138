//! The kinds of statements of a draft.

use crate::compare::facts::Identity;

/// What an operation does with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Drop,
    /// Makes or changes it.
    Make,
    /// What waits until everything is there.
    Finish,
}

/// An operation; without an object: the rows.
pub(super) type Key = (Step, Option<Identity>);
