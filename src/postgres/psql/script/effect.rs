//! The effects of statements on transactions.

/// The effect of a statement on the session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It begins a transaction.
    Opens,
    /// It commits the transaction.
    Commits,
    /// It rolls the transaction back.
    RollsBack,
    /// It ends the transaction, by a commit if `commits` is true, and begins the next.
    Chains { commits: bool },
    /// It rolls back to a savepoint.
    Rewinds,
    /// It prepares the transaction for `COMMIT PREPARED`.
    Prepares,
    /// The statement is not known, because psql replaces a variable in it.
    Unknown,
    /// It runs in a transaction.
    Runs,
    /// It runs outside a transaction, or has no effect on it.
    Nothing,
}

impl Effect {
    /// The effect of a statement with these words.
    pub(super) fn of(words: &[String]) -> Self {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        match (word(0), word(1)) {
            ("BEGIN", _) | ("START", "TRANSACTION") => Self::Opens,
            ("PREPARE", "TRANSACTION") => Self::Prepares,
            ("COMMIT" | "ROLLBACK", "PREPARED") | ("VACUUM" | "DISCARD", _) => Self::Nothing,
            ("ROLLBACK" | "ABORT", _) if has("TO") => Self::Rewinds,
            (end @ ("COMMIT" | "END" | "ROLLBACK" | "ABORT"), _) => {
                let commits = matches!(end, "COMMIT" | "END");
                match has("CHAIN") && !has("NO") {
                    true => Self::Chains { commits },
                    false if commits => Self::Commits,
                    false => Self::RollsBack,
                }
            }
            (variable, _) if variable.starts_with(':') => Self::Unknown,
            _ => Self::Runs,
        }
    }
}
