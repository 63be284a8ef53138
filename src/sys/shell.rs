//! Text for a POSIX shell to read.

/// `value` in single quotes, in which everything stands for itself but the single quote.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
