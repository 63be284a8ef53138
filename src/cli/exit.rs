//! The published exit codes, and the function from errors to codes.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::sys::error::Kind;

/// An exit code of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// No error.
    Success = 0,
    /// Generic error.
    Generic = 1,
    /// Ambiguous arguments or state.
    Ambiguous = 2,
    /// Missing required argument or environment variable.
    Missing = 3,
    /// A migration failed, or a side of `diff` could not be prepared.
    Migration = 4,
    /// Provided table does not exist.
    NoSuchTable = 5,
    /// Argument or command not found.
    NotFound = 9,
    /// Program bug or unexpected system state.
    Bug = 13,
    /// Command not found (missing dependency).
    ProgramMissing = 127,
}

/// The codes and their meanings, as the help and `docs/reference/exit-codes.md` print them.
pub const TABLE: [(ExitCode, &str); 9] = [
    (ExitCode::Success, "Success."),
    (ExitCode::Generic, "Generic error: failing SQL, a failed test, an I/O error."),
    (ExitCode::Ambiguous, "Ambiguous or conflicting arguments or state."),
    (ExitCode::Missing, "Missing required argument, environment variable or input file."),
    (ExitCode::Migration, "A migration failed, or a side of a comparison could not be prepared."),
    (ExitCode::NoSuchTable, "Provided table does not exist."),
    (ExitCode::NotFound, "Argument or command not found."),
    (ExitCode::Bug, "Program bug or unexpected system state."),
    (ExitCode::ProgramMissing, "Command not found (missing dependency)."),
];

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Failed | Kind::Sql => Self::Generic,
            Kind::Migration => Self::Migration,
            Kind::Conflict => Self::Ambiguous,
            Kind::Missing => Self::Missing,
            Kind::NoSuchTable => Self::NoSuchTable,
            Kind::UnknownArgument => Self::NotFound,
            Kind::Unexpected => Self::Bug,
            Kind::ProgramMissing => Self::ProgramMissing,
            Kind::Told(code) | Kind::Ended(code) => of_number(code),
            // occurs only if raising the signal again did not end the process
            Kind::Interrupted(_) => Self::Generic,
        }
    }
}

/// The code with this number; `Bug` for a number without a meaning.
pub(super) fn of_number(number: i32) -> ExitCode {
    let known = TABLE.iter().map(|(code, _)| *code).find(|code| *code as i32 == number);
    known.unwrap_or(ExitCode::Bug)
}

/// The code for an error of clap; `Success` for help and version.
pub(super) fn of_clap(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::Success,
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => ExitCode::NotFound,
        ErrorKind::InvalidValue if is_valueless(error) => ExitCode::Missing,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::NoEquals
        | ErrorKind::TooFewValues => ExitCode::Missing,
        // conflicts, repetitions, and unknown values
        _ => ExitCode::Ambiguous,
    }
}

/// Whether an option lacks its value.
fn is_valueless(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_code_once_in_order() {
        let codes: Vec<i32> = TABLE.iter().map(|(code, _)| *code as i32).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 9, 13, 127]);
    }
}
