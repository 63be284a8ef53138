//! The kinds of statements of a draft.

use crate::compare::facts::Identity;

/// The step of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Drop,
    /// Declares a type before the functions that it needs.
    Declare,
    /// Makes or changes the object.
    Make,
    /// Runs after all objects exist.
    Finish,
}

/// The key of an operation. Without an object, it is the operation on rows.
pub(super) type Key = (Step, Option<Identity>);
