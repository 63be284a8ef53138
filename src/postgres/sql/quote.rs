//! Quotes values as SQL text, for statements that take no parameters.

/// Quotes an identifier (manual §4.1.1). Any name is safe, and its case is kept.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a string constant (manual §4.1.2). A text with a backslash becomes an `E''` string, which
/// `standard_conforming_strings` does not affect.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::{quote_ident, quote_literal};

    #[test]
    fn doubles_the_quotes() {
        assert_eq!(quote_ident(r#"My "table""#), r#""My ""table""""#);
        assert_eq!(quote_ident("select"), "\"select\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(""), "''");
    }

    #[test]
    fn escapes_backslashes() {
        assert_eq!(quote_literal(r"a\'b"), r" E'a\\''b'");
    }
}
