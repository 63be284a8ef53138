//! Text that a POSIX shell reads.

/// Puts `value` in single quotes. There, only the single quote itself has a special meaning.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
