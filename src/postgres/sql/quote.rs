//! Quotes values as SQL text, for statements that take no parameters.

/// Quotes an identifier (manual §4.1.1). Any name is safe, and its case is kept.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name that an identifier in the spelling of the server stands for: the text between double
/// quotes, or the text itself.
pub fn unquote_ident(identifier: &str) -> String {
    match identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => identifier.to_owned(),
    }
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
    use super::{quote_ident, quote_literal, unquote_ident};

    #[test]
    fn doubles_the_quotes() {
        assert_eq!(quote_ident(r#"My "table""#), r#""My ""table""""#);
        assert_eq!(quote_ident("select"), "\"select\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(""), "''");
    }

    #[test]
    fn quotes_are_removed() {
        for name in ["t", "My \"table\"", "\"", ""] {
            assert_eq!(unquote_ident(&quote_ident(name)), name);
        }
        assert_eq!(unquote_ident("orders"), "orders");
    }

    #[test]
    fn escapes_backslashes() {
        assert_eq!(quote_literal(r"a\'b"), r" E'a\\''b'");
    }
}
