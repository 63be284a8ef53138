//! How an error shows a value of a file, a variable or an argument that is not valid: only its
//! beginning, because a user may have put a secret in the wrong place.

use std::ops::Range;

/// The length of a value that is shown whole. It is too short for a secret.
const SHORT: usize = 6;

/// The most characters that are shown.
const MOST: usize = 12;

/// The beginning of a value in quotes, on one line: at most half of it, unless it is short.
pub fn beginning(value: &str) -> String {
    let length = value.chars().count();
    let shown = match length {
        0..=SHORT => length,
        _ => (length / 2).min(MOST),
    };
    let text: String = value.chars().take(shown).collect();
    let rest = if shown < length { "…" } else { "" };
    format!("\"{}{rest}\"", text.escape_debug())
}

/// The line of an error in a TOML file, and its message without the text of that line. A wrong
/// string in the message becomes its beginning.
pub fn toml_error(text: &str, span: Option<Range<usize>>, message: &str) -> (usize, String) {
    let line = span.map_or(1, |span| text[..span.start].matches('\n').count() + 1);
    let message = message.lines().next().unwrap_or_default();
    let Some((before, rest)) = message.split_once("string \"") else {
        return (line, message.to_owned());
    };
    let (value, after) = rest.rsplit_once("\", ").unwrap_or((rest, ""));
    (line, format!("{before}string {}, {after}", beginning(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_shown_whole() {
        let secret = "hunter2-".repeat(100);
        for (value, shown) in [
            ("", "\"\""),
            ("5s", "\"5s\""),
            ("5 days", "\"5 days\""),
            ("5 weeks", "\"5 w…\""),
            ("a\nb\u{1b}cdef", "\"a\\nb\\u{1b}…\""),
            (&secret, "\"hunter2-hunt…\""),
        ] {
            assert_eq!(beginning(value), shown);
        }
    }

    #[test]
    fn a_wrong_value_of_a_file_is_not_shown_whole() {
        let message = "invalid type: string \"hunter2, expected \\\"x\\\"\", expected a boolean";
        let told = toml_error("a = 1\nb = 2\n", Some(6..7), message);
        let expected = "invalid type: string \"hunter2, ex…\", expected a boolean";
        assert_eq!(told, (2, expected.to_owned()));
        assert_eq!(toml_error("", None, "x\ny"), (1, "x".to_owned()));
    }
}
