//! SQL text made from values, for the few places where a parameter cannot be bound.

/// An identifier in double quotes (manual §4.1.1): safe whatever it holds, and its case is kept.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant (manual §4.1.2). With a backslash in it, it is written in the form whose
/// meaning does not depend on `standard_conforming_strings`.
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
