//! Text that a POSIX shell reads.

/// Puts `value` in single quotes. There, only the single quote itself has a special meaning.
///
/// Unlike `shell_words::quote`, this quotes every value: `eval` reads the output of `--export sh`,
/// and bash would take `{a,b}` without quotes for two words.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
