//! Definitions that differ only in blanks and comments.

use crate::postgres::psql::lexer::normalize;

/// Checks whether both texts have the same tokens. The body of a function is a quoted text, in
/// which every byte counts for PostgreSQL. Here, blanks and comments in it do not count.
pub fn same_tokens(one: &str, other: &str) -> bool {
    match (plain(one), plain(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// Removes comments and redundant blanks, also within the outermost dollar quotation. Leaves a body
/// in another language than SQL unchanged, because blanks may be significant there, as in Python.
fn plain(text: &str) -> Option<String> {
    match quotation(text) {
        Some((before, ..)) if !is_sql(before) => Some(text.to_owned()),
        Some((before, body, after)) => Some(
            [squeeze(before)?, "$".to_owned(), squeeze(body)?, "$".to_owned(), squeeze(after)?]
                .concat(),
        ),
        None => squeeze(text),
    }
}

/// Checks whether a function's language has SQL's tokens. `head` is the text that the server prints
/// before the body.
fn is_sql(head: &str) -> bool {
    let mut lines = head.lines().filter_map(|line| line.trim_start().strip_prefix("LANGUAGE "));
    lines.any(|rest| matches!(rest.split(' ').next(), Some("sql" | "plpgsql")))
}

/// Splits a text at the first dollar quotation: before, in and after it.
fn quotation(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('$')?;
    let tag_end = start + 1 + text[start + 1..].find('$')? + 1;
    let tag = &text[start..tag_end];
    let is_tag = tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_');
    let end = tag_end + text[tag_end..].rfind(tag)?;
    is_tag.then(|| (&text[..start], &text[tag_end..end], &text[end + tag.len()..]))
}

/// Reduces blanks outside of quotes to single ones, and removes them beside punctuation.
fn squeeze(text: &str) -> Option<String> {
    let text = normalize(text).ok()?;
    let mut squeezed = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut blank = false;
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if blank && squeezed.chars().next_back().is_some_and(|last| would_join(last, c)) {
            squeezed.push(' ');
        }
        blank = false;
        squeezed.push(c);
        if matches!(c, '\'' | '"') {
            // a doubled quote closes and opens again, with the same result
            for inner in chars.by_ref() {
                squeezed.push(inner);
                if inner == c {
                    break;
                }
            }
        }
    }
    Some(squeezed)
}

/// Checks whether two characters would become one token if no blank separated them.
fn would_join(one: char, other: char) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | '$');
    let in_operator = |c: char| "+-*/<>=~!@#%^&|`?:".contains(c);
    in_word(one) && in_word(other) || in_operator(one) && in_operator(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_comments_do_not_count_and_all_else_does() {
        let function = |body: &str| {
            format!("CREATE FUNCTION f()\n LANGUAGE plpgsql\nAS $function$ {body} $function$")
        };
        for (one, other) in [
            ("BEGIN RETURN 1; END", "BEGIN\n  -- why\n  RETURN  1;\nEND"),
            ("SELECT a+b", "SELECT a + b /* sum */"),
            ("SELECT 'a  b'", "SELECT  'a  b'"),
        ] {
            assert!(same_tokens(&function(one), &function(other)), "{one} {other}");
        }
        for (one, other) in [
            ("SELECT 'a b'", "SELECT 'a  b'"),
            ("SELECT a b", "SELECT ab"),
            ("RETURN 1;", "RETURN 2;"),
            ("SELECT a @- b", "SELECT a @ -b"),
        ] {
            assert!(!same_tokens(&function(one), &function(other)), "{one} {other}");
        }
    }

    #[test]
    fn every_blank_counts_in_other_languages() {
        let function = |language: &str, body: &str| {
            format!(
                "CREATE FUNCTION f()\n LANGUAGE {language} STABLE\nAS $function$\n{body}\n$function$"
            )
        };
        let (one, other) = ("if a:\n  b\nc", "if a:\n  b\n  c");
        assert!(!same_tokens(&function("plpython3u", one), &function("plpython3u", other)));
        assert!(same_tokens(&function("sql", one), &function("sql", other)));
    }
}
