//! Statements that choose the isolation level and the access mode of transactions.
//!
//! The server accepts `SET TRANSACTION` only before the first query of a transaction. For a
//! migration with such a statement, the migrator therefore opens the transaction without a query.
//! The migrator also writes the history in that transaction, so it must be able to write and to see
//! the present rows of the history.

use super::Reason;

const READ_ONLY: Reason = (
    "decides whether transactions may write, and the migrator records the migration in one",
    "remove it",
);
const SNAPSHOT: Reason = (
    "shows a state in which the migration has not begun, and the migrator could not record it",
    "remove it",
);
const TOO_LATE: Reason = (
    "has no effect on the migration, because its transaction is open already",
    "write `SET TRANSACTION` with the same words as the first statement of the file",
);

/// What a statement sets.
enum Target<'a> {
    /// This transaction; the words after `SET TRANSACTION`.
    This(&'a [&'a str]),
    /// The transactions that follow; the words after it.
    Following(&'a [&'a str]),
    /// A setting of this transaction, such as `TRANSACTION_ISOLATION`, and the value's words.
    ThisSetting(String, &'a [&'a str]),
    /// A setting of the transactions that follow, and the value's words.
    FollowingSetting(String, &'a [&'a str]),
}

/// Whether the statement sets a characteristic of the transaction in which it runs.
pub(in crate::migration) fn sets_this_transaction(words: &[&str]) -> bool {
    matches!(target(words), Some(Target::This(_) | Target::ThisSetting(..)))
}

/// Finds a characteristic that a migration must not set.
pub(super) fn reason(words: &[&str], transactional: bool) -> Option<(String, Reason)> {
    let of_this = |reason| transactional.then_some(reason);
    let reason = match target(words)? {
        Target::This(rest) if rest.first() == Some(&"SNAPSHOT") => of_this(SNAPSHOT),
        Target::This(rest) if is_read_only(rest) => of_this(READ_ONLY),
        Target::ThisSetting(name, value) if decides_on_writes(&name, value) => of_this(READ_ONLY),
        Target::This(_) | Target::ThisSetting(..) => None,
        Target::Following(rest) if is_read_only(rest) => Some(READ_ONLY),
        Target::FollowingSetting(name, value) if decides_on_writes(&name, value) => Some(READ_ONLY),
        Target::Following(_) | Target::FollowingSetting(..) => of_this(TOO_LATE),
    };
    reason.map(|reason| (words.join(" "), reason))
}

fn target<'a>(words: &'a [&'a str]) -> Option<Target<'a>> {
    let rest = match words {
        ["SET", "SESSION", "CHARACTERISTICS", "AS", "TRANSACTION", rest @ ..] => {
            return Some(Target::Following(rest));
        }
        ["SET", "LOCAL" | "SESSION", rest @ ..] | ["SET", rest @ ..] => rest,
        _ => return None,
    };
    let (first, rest) = rest.split_first()?;
    let name = first.trim_matches('"').to_ascii_uppercase();
    let is_characteristic = |name: &str| {
        matches!(name, "TRANSACTION_ISOLATION" | "TRANSACTION_READ_ONLY" | "TRANSACTION_DEFERRABLE")
    };
    match name.strip_prefix("DEFAULT_") {
        Some(setting) if is_characteristic(setting) => {
            Some(Target::FollowingSetting(setting.to_owned(), rest))
        }
        None if is_characteristic(&name) => Some(Target::ThisSetting(name, rest)),
        None if *first == "TRANSACTION" => Some(Target::This(rest)),
        _ => None,
    }
}

fn is_read_only(words: &[&str]) -> bool {
    words.windows(2).any(|pair| pair == ["READ", "ONLY"])
}

/// A value in quotes is unknown here.
fn decides_on_writes(name: &str, value: &[&str]) -> bool {
    name == "TRANSACTION_READ_ONLY"
        && !value.last().is_some_and(|last| matches!(*last, "OFF" | "FALSE" | "NO"))
}
