//! Lists in variables: flags in a shell's syntax, tables in SQL's syntax.

use crate::sys::error::{Error, Result};

/// Splits words as a POSIX shell does, with quotes, backslashes and comments. It expands nothing:
/// `$`, `` ` `` and `*` are ordinary characters.
///
/// # Errors
/// `Conflict` for a quote that is not closed.
pub fn split(text: &str) -> Result<Vec<String>> {
    shell_words::split(text).map_err(|_| unclosed("quote"))
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
        return Err(unclosed("double quote"));
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    Ok(names)
}

fn unclosed(quote: &str) -> Error {
    Error::conflict(format!("a {quote} is not closed")).hint("close it with a second one")
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
        assert_eq!(split("a#b # c\nd"), ["a#b", "d"]);
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
