//! Lists in variables: flags in a shell's syntax, tables in SQL's syntax.

use crate::sys::error::{Error, Result};

/// Splits words as a POSIX shell does, with quotes and backslashes. It expands nothing: `$`, `` `
/// `` and `*` are ordinary characters.
///
/// # Errors
/// `Conflict` for a quote that is not closed.
pub fn split(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\'' => quoted(&mut rest, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut rest, '"', word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(rest.next().filter(|c| *c != '\n')),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads up to the closing `quote`. A backslash escapes only parents double quotes, and only a few
/// characters.
fn quoted(rest: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Result<()> {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match rest.next() {
                Some('\n') => {}
                Some(escaped @ ('$' | '`' | '"' | '\\')) => word.push(escaped),
                other => {
                    word.push('\\');
                    word.extend(other);
                }
            },
            c => word.push(c),
        }
    }
    Err(unclosed(quote))
}

/// Splits at blanks outside of double quotes. The quotes stay, because they are part of SQL names.
///
/// # Errors
/// `Conflict` for a quote that is not closed.
pub fn split_names(text: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut inside = false;
    for c in text.chars() {
        inside ^= c == '"';
        if c.is_whitespace() && !inside {
            names.push(std::mem::take(&mut name));
        } else {
            name.push(c);
        }
    }
    if inside {
        return Err(unclosed('"'));
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    Ok(names)
}

fn unclosed(quote: char) -> Error {
    Error::conflict(format!("a {quote} is not closed"))
        .hint(format!("close it with a second {quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_split_as_by_a_shell() {
        let split = |text| split(text).expect("closed");
        assert_eq!(split("  -a --inserts\t-T 'a b'c \n"), ["-a", "--inserts", "-T", "a bc"]);
        assert_eq!(split(r#"-T "a\"b\c" x\ y ''"#), ["-T", r#"a"b\c"#, "x y", ""]);
        assert_eq!(split("$(touch x) `id` *"), ["$(touch", "x)", "`id`", "*"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn names_keep_their_quotes() {
        let names = split_names(" shop.a  \"Shop\".\"Order lines\" x*").expect("closed");
        assert_eq!(names, ["shop.a", "\"Shop\".\"Order lines\"", "x*"]);
    }

    #[test]
    fn quotes_have_to_be_closed() {
        assert!(split("-T 'a").is_err() && split("\"a\\\"").is_err());
        assert!(split_names("a \"b").is_err());
    }
}
