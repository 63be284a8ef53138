//! What statements do to transactions.

/// What a statement does to the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It begins one.
    Opens,
    /// It ends one and keeps its work.
    Commits,
    /// It ends one and gives its work up.
    RollsBack,
    /// It ends one, whose work it keeps if `commits`, and begins the next.
    Chains { commits: bool },
    /// It goes back to a savepoint.
    Rewinds,
    /// It hands one over to `COMMIT PREPARED`.
    Prepares,
    /// Only psql knows the statement.
    Unknown,
    /// It runs in a transaction.
    Runs,
    /// It runs outside, or changes nothing.
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
